import { walk } from '../support/device.js';
import { postCode, type House } from '../support/house.js';
import type { Endpoint, FalsifyingProxy, FalseAnswer } from './falsifying-proxy.js';

type App = ReturnType<House['app']>;

/** What came of a request whose answer hung on a falseAnswer. */
export interface Outcome {
  status: number;
  body: Record<string, unknown>;
}

/** A login, brought to where the server is about to ask Vonage something. */
export interface Scene {
  endpoint: Endpoint;
  /** Milliseconds this call may take. */
  deadline: number;
  /** @returns the request that makes the server ask */
  prepare(house: House, app: App, phoneNumber: string): Promise<() => Promise<Outcome>>;
}

const begin = async (app: App, phoneNumber: string) =>
  (await app.post('/login').send({ phone_number: phoneNumber }).expect(201)).body as { auth_url: string };
const outcome = async (request: ReturnType<App['post']>): Promise<Outcome> => {
  const { status, body } = await request;
  return { status, body };
};
const beginLater = (app: App, phoneNumber: string) => () =>
  outcome(app.post('/login').send({ phone_number: phoneNumber }));

/** Every call there is; the last four with `SILENT_AUTH=verify`. */
export const CALLS = {
  networkEnablement: {
    endpoint: 'network-enablement',
    deadline: 3000,
    prepare: (_house, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  token: {
    endpoint: 'token',
    deadline: 2500,
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
    deadline: 3000,
    async prepare(_house, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => outcome(postCode(app, String(json?.['code'])));
    },
  },
  start: {
    endpoint: 'start',
    deadline: 5000,
    prepare: (_house, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  check: {
    endpoint: 'check',
    deadline: 5000,
    async prepare(_house, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => outcome(postCode(app, String(json?.['code'])));
    },
  },
  next: {
    endpoint: 'next',
    deadline: 3000,
    async prepare(_house, app, phoneNumber) {
      await begin(app, phoneNumber);
      return () => outcome(app.post('/login/next').send({ channel: 'sms' }));
    },
  },
  cancel: {
    endpoint: 'cancel',
    deadline: 3000,
    async prepare({ world }, app, phoneNumber) {
      await begin(app, phoneNumber);
      // Vonage lets itself be told from half a minute after the start. Nobody waits for that.
      world.turn(31);
      return async () => {
        const left = await outcome(app.delete('/login'));
        world.turn(0);
        return left;
      };
    },
  },
} satisfies Record<string, Scene>;

/** What came of a falseAnswer. */
export interface Told extends Outcome {
  /** Milliseconds until the answer. */
  took: number;
  authenticated: boolean;
}

let numbers = 0;

/**
 * Tells each falseAnswer in a login of its own, of a number of its own.
 * @returns once all are told, what comes of each: the slow ones are slow together, while other
 * logins are prepared
 */
export async function answerAll(
  { house, falsifier }: { house: House; falsifier: FalsifyingProxy },
  scene: Scene,
  falseAnswers: Record<string, FalseAnswer>,
): Promise<Map<string, Promise<Told>>> {
  const told = new Map<string, Promise<Told>>();
  for (const [name, falseAnswer] of Object.entries(falseAnswers)) {
    const app = house.app();
    const act = await scene.prepare(house, app, `+4477001${10_000 + numbers++}`);
    const came = falsifier.falsifyOnce(scene.endpoint, falseAnswer);
    const startedAt = performance.now();
    const answered = act().then(async (outcome) => {
      const took = performance.now() - startedAt;
      const session = (await app.get('/session')).body as { authenticated: boolean };
      return { ...outcome, took, authenticated: session.authenticated };
    });
    told.set(name, answered);
    await Promise.race([came, answered]);
  }
  return told;
}
