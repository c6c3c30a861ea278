import { walk } from '../support/device.js';
import { postCode, type System } from '../support/system.js';
import { startStopwatch } from '../support/until.js';

/** The answer to a step, in short. */
export interface StepAnswer {
  status: number;
  /** The error, or a summary of a success, as in {@link USUAL_ANSWER}. */
  outcome: string;
  ms: number;
}

/** A login at one of the points. */
export interface PendingLogin {
  /** Takes the next step; a further call repeats it. */
  step(): Promise<StepAnswer>;
  isLoggedIn(): Promise<boolean>;
}

export type App = ReturnType<System['app']>;
type Reply = { status: number; body: Record<string, unknown> };
type Step = (app: App) => Promise<() => PromiseLike<Reply>>;

const begin = (app: App, phone_number: string, more: object = {}) =>
  app.post('/login').send({ phone_number, ...more });

/** A login that begins as an app or in a browser. */
interface Beginning {
  system: System;
  app: App;
  phoneNumber: string;
  client: 'app' | 'browser';
}

/** Follows the redirects up to our `/callback`. @returns its URL, which is not requested */
const callbackUrlOf = async ({ system, app, phoneNumber, client }: Beginning): Promise<string> => {
  const begun = await begin(app, phoneNumber, { client }).expect(201);
  const { hops } = await walk(String(begun.body.auth_url), { stopBefore: system.base });
  return hops.at(-1) ?? '';
};

const askedForSms = async (app: App, phoneNumber: string): Promise<void> => {
  await begin(app, phoneNumber).expect(201);
  await app.post('/login/next').send({ channel: 'sms' }).expect(200);
};

const codeFor = async (system: System, phoneNumber: string): Promise<string> =>
  (await system.messages()).find(({ to }) => to === phoneNumber)?.code ?? '';

/** The answer to a browser is in the fragment of the page that it is redirected to. */
const inFragment = ({ headers, status }: { headers: Record<string, string>; status: number }): Reply => ({
  status,
  body: Object.fromEntries(new URLSearchParams(headers['location']?.split('#')[1])),
});

const asApp =
  (system: System, phoneNumber: string) =>
  async (app: App): Promise<() => Promise<Reply>> => {
    const link = await callbackUrlOf({ system, app, phoneNumber, client: 'app' });
    return async () => {
      const { status, json } = await walk(link);
      return { status, body: json ?? {} };
    };
  };

const asBrowser =
  (system: System, phoneNumber: string) =>
  async (app: App): Promise<() => Promise<Reply>> => {
    const { pathname, search } = new URL(
      await callbackUrlOf({ system, app, phoneNumber, client: 'browser' }),
    );
    return async () => inFragment(await app.get(pathname + search).redirects(0));
  };

/**
 * The points of a login at which a fault occurs. Each prepares a login and returns its next step.
 */
const POINTS = {
  'before login': (_system, phoneNumber) => (app) => Promise.resolve(() => begin(app, phoneNumber)),
  'between login and callback': asApp,
  'between login and the callback of a browser': asBrowser,
  'between callback and verify': (system, phoneNumber) => async (app) => {
    const link = await callbackUrlOf({ system, app, phoneNumber, client: 'app' });
    const { json } = await walk(link);
    return () => postCode(app, String(json?.['code']));
  },
  'before a message is asked for': (_system, phoneNumber) => async (app) => {
    await begin(app, phoneNumber).expect(201);
    return () => app.post('/login/next').send({ channel: 'sms' });
  },
  'before the code of a message is typed': (system, phoneNumber) => async (app) => {
    await askedForSms(app, phoneNumber);
    const code = await codeFor(system, phoneNumber);
    return () => postCode(app, code);
  },
  'once logged in': (system, phoneNumber) => async (app) => {
    await askedForSms(app, phoneNumber);
    await postCode(app, await codeFor(system, phoneNumber)).expect(200);
    return () => app.get('/session');
  },
} satisfies Record<string, (system: System, phoneNumber: string) => Step>;

export type Point = keyof typeof POINTS;
export const POINTS_OF_LOGIN = Object.keys(POINTS) as Point[];

/** The answer to the next step of each point without a fault. */
export const USUAL_ANSWER: Record<Point, readonly [status: number, outcome: string]> = {
  'before login': [201, 'silent_auth'],
  'between login and callback': [200, 'a code'],
  'between login and the callback of a browser': [303, 'a code'],
  'between callback and verify': [200, 'verified'],
  'before a message is asked for': [200, 'sms'],
  'before the code of a message is typed': [200, 'verified'],
  'once logged in': [200, 'logged in'],
};

/** Each point has its own number, so that their limits are separate. */
const numberOf = (point: Point): string => `+4477009000${10 + POINTS_OF_LOGIN.indexOf(point)}`;

export async function bringTo(point: Point, system: System): Promise<PendingLogin> {
  const app = system.app();
  const step = await POINTS[point](system, numberOf(point))(app);
  return {
    async step() {
      const stop = startStopwatch();
      const { status, body } = await step();
      return { status, outcome: outcomeOf(body), ms: stop() };
    },
    isLoggedIn: async () => {
      const { body } = await app.get('/session').expect(200);
      if (body.authenticated) expect(body.phone_number).toBe(numberOf(point));
      return Boolean(body.authenticated);
    },
  };
}

function outcomeOf(body: Record<string, unknown>): string {
  const { error, channel } = body as { error?: string; channel?: string | null };
  if (error !== undefined) return error;
  if (body['verified'] === true) return 'verified';
  if (body['authenticated'] !== undefined) return body['authenticated'] ? 'logged in' : 'logged out';
  return body['code'] === undefined ? String(channel) : 'a code';
}
