import { walk } from '../support/device.js';
import { postCode, type House } from '../support/house.js';
import type { Endpoint, Liar, Lie } from './liar.js';

type App = ReturnType<House['app']>;

/** What came of a request whose answer hung on a lie. */
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

/** With `SILENT_AUTH=network-enablement`. */
export const NETWORK_SCENES: Scene[] = [
  {
    endpoint: 'network-enablement',
    deadline: 3000,
    prepare: (_house, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  {
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
  {
    endpoint: 'number-verification',
    deadline: 3000,
    async prepare(_house, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => outcome(postCode(app, String(json?.['code'])));
    },
  },
];

/** With `SILENT_AUTH=verify`. */
export const VERIFY_SCENES: Scene[] = [
  {
    endpoint: 'start',
    deadline: 5000,
    prepare: (_house, app, phoneNumber) => Promise.resolve(beginLater(app, phoneNumber)),
  },
  {
    endpoint: 'check',
    deadline: 5000,
    async prepare(_house, app, phoneNumber) {
      const { json } = await walk((await begin(app, phoneNumber)).auth_url);
      return () => outcome(postCode(app, String(json?.['code'])));
    },
  },
  {
    endpoint: 'next',
    deadline: 3000,
    async prepare(_house, app, phoneNumber) {
      await begin(app, phoneNumber);
      return () => outcome(app.post('/login/next').send({ channel: 'sms' }));
    },
  },
];

let numbers = 0;

export interface Told extends Outcome {
  /** Milliseconds until the answer. */
  took: number;
  authenticated: boolean;
}

/**
 * Tells every lie in its own login of its own number. One request waits for its lie while the next login is prepared, so
 * that the slow ones are slow together.
 */
export async function tellAll(
  { house, liar }: { house: House; liar: Liar },
  { endpoint, prepare }: Scene,
  lies: Record<string, Lie>,
): Promise<Map<string, Told>> {
  const told = new Map<string, Told>();
  const pending: Promise<unknown>[] = [];
  for (const [name, lie] of Object.entries(lies)) {
    const app = house.app();
    const act = await prepare(house, app, `+4477001${10_000 + numbers++}`);
    const came = liar.lieOnce(endpoint, lie);
    const startedAt = performance.now();
    const answered = act().then(async ({ status, body }) => {
      const took = performance.now() - startedAt;
      const session = (await app.get('/session')).body as { authenticated: boolean };
      told.set(name, { status, body, took, authenticated: session.authenticated });
    });
    pending.push(answered);
    await Promise.race([came, answered]);
  }
  await Promise.all(pending);
  return told;
}
