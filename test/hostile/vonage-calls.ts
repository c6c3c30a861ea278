import { walk } from '../support/device.js';
import { postCode, type System } from '../support/system.js';
import type { Endpoint, FalsifyingProxy, FalseAnswer } from './falsifying-proxy.js';

type App = ReturnType<System['app']>;

/** The server's answer to the app. */
export interface AppAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** A call of the server to Vonage, and the request of the app that causes it. */
export interface VonageCall {
  endpoint: Endpoint;
  deadlineMs: number;
  /** Prepares a login. @returns sends the request that causes the call */
  prepare(system: System, app: App, phoneNumber: string): Promise<() => Promise<AppAnswer>>;
}

const begin = async (app: App, phoneNumber: string) =>
  (await app.post('/login').send({ phone_number: phoneNumber }).expect(201)).body as { auth_url: string };
const answerTo = async (request: ReturnType<App['post']>): Promise<AppAnswer> => {
  const { status, body } = await request;
  return { status, body };
};
const beginLater = (app: App, phoneNumber: string) => () =>
  answerTo(app.post('/login').send({ phone_number: phoneNumber }));

/** All calls; the last four need `SILENT_AUTH=verify`, `next` a chain. */
export const CALLS = {
  networkEnablement: {
    endpoint: 'network-enablement',
    deadlineMs: 3000,
    prepare: (_system, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  token: {
    endpoint: 'token',
    deadlineMs: 2500,
    async prepare({ base }, app, phoneNumber) {
      const { hops } = await walk((await begin(app, phoneNumber)).auth_url, { stopBefore: base });
      return async () => {
        const { status, json } = await walk(hops.at(-1) ?? '');
        return { status, body: json ?? {} };
      };
    },
  },
  numberVerification: {
    endpoint: 'number-verification',
    deadlineMs: 3000,
    async prepare(_system, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => answerTo(postCode(app, String(json?.['code'])));
    },
  },
  start: {
    endpoint: 'start',
    deadlineMs: 5000,
    prepare: (_system, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  check: {
    endpoint: 'check',
    deadlineMs: 5000,
    async prepare(_system, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => answerTo(postCode(app, String(json?.['code'])));
    },
  },
  next: {
    endpoint: 'next',
    deadlineMs: 3000,
    async prepare(_system, app, phoneNumber) {
      await begin(app, phoneNumber);
      return () => answerTo(app.post('/login/next').send({ channel: 'sms' }));
    },
  },
  cancel: {
    endpoint: 'cancel',
    deadlineMs: 3000,
    async prepare({ world }, app, phoneNumber) {
      await begin(app, phoneNumber);
      // Vonage accepts a cancellation from 30 s after the start. The server does not wait for it.
      world.turn(31);
      return async () => {
        const answer = await answerTo(app.delete('/login'));
        world.turn(0);
        return answer;
      };
    },
  },
} satisfies Record<string, VonageCall>;

/** The result of a false answer. */
export interface Result extends AppAnswer {
  /** Milliseconds until the answer. */
  took: number;
  authenticated: boolean;
}

let numbersUsed = 0;

/**
 * Gives each false answer to a login of its own, with its own number.
 * @returns the result of each, once all calls have come: slow ones overlap with later logins
 */
export async function answerAll(
  { system, falsifier }: { system: System; falsifier: FalsifyingProxy },
  call: VonageCall,
  falseAnswers: Record<string, FalseAnswer>,
): Promise<Map<string, Promise<Result>>> {
  const results = new Map<string, Promise<Result>>();
  for (const [name, falseAnswer] of Object.entries(falseAnswers)) {
    const app = system.app();
    const send = await call.prepare(system, app, `+4477001${10_000 + numbersUsed++}`);
    const arrived = falsifier.falsifyOnce(call.endpoint, falseAnswer);
    const startedAt = performance.now();
    const answered = send().then(async (answer) => {
      const took = performance.now() - startedAt;
      const session = (await app.get('/session')).body as { authenticated: boolean };
      return { ...answer, took, authenticated: session.authenticated };
    });
    results.set(name, answered);
    await Promise.race([arrived, answered]);
  }
  return results;
}
