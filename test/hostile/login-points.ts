import { walk } from '../support/device.js';
import { postCode, type House } from '../support/house.js';

/** What an app or a device was told, in short. */
export interface Said {
  status: number;
  /** The name of the error, or the word that tells how it went. */
  word: string;
  ms: number;
}

/** A login that stands where its next step is due. */
export interface Standing {
  step(): Promise<Said>;
  isLoggedIn(): Promise<boolean>;
}

export type App = ReturnType<House['app']>;
type Reply = { status: number; body: Record<string, unknown> };
type Step = (app: App) => Promise<() => PromiseLike<Reply>>;

const begin = (app: App, phone_number: string, more: object = {}) =>
  app.post('/login').send({ phone_number, ...more });

/** Stops at the door of our `/callback`. */
const walkedTo = async (house: House, app: App, phoneNumber: string, client: string): Promise<string> => {
  const begun = await begin(app, phoneNumber, { client }).expect(201);
  const { hops } = await walk(String(begun.body.auth_url), { stopBefore: house.base });
  return hops.at(-1) ?? '';
};

const askedForSms = async (app: App, phoneNumber: string): Promise<void> => {
  await begin(app, phoneNumber).expect(201);
  await app.post('/login/next').send({ channel: 'sms' }).expect(200);
};

const codeFor = async (house: House, phoneNumber: string): Promise<string> =>
  (await house.messages()).find(({ to }) => to === phoneNumber)?.code ?? '';

/** What a browser is told stands behind the `#` of the page it is sent to. */
const inFragment = ({ headers, status }: { headers: Record<string, string>; status: number }): Reply => ({
  status,
  body: Object.fromEntries(new URLSearchParams(headers['location']?.split('#')[1])),
});

const asApp =
  (house: House, phoneNumber: string) =>
  async (app: App): Promise<() => Promise<Reply>> => {
    const link = await walkedTo(house, app, phoneNumber, 'app');
    return async () => {
      const { status, json } = await walk(link);
      return { status, body: json ?? {} };
    };
  };

const asBrowser =
  (house: House, phoneNumber: string) =>
  async (app: App): Promise<() => Promise<Reply>> => {
    const { pathname, search } = new URL(await walkedTo(house, app, phoneNumber, 'browser'));
    return async () => inFragment(await app.get(pathname + search).redirects(0));
  };

/** The points of a login at which things can go wrong: what went before, and the step that is due. */
const POINTS = {
  'before login': (_house, phoneNumber) => (app) => Promise.resolve(() => begin(app, phoneNumber)),
  'between login and callback': asApp,
  'between login and the callback of a browser': asBrowser,
  'between callback and verify': (house, phoneNumber) => async (app) => {
    const link = await walkedTo(house, app, phoneNumber, 'app');
    const { json } = await walk(link);
    return () => postCode(app, String(json?.['code']));
  },
  'before a message is asked for': (_house, phoneNumber) => async (app) => {
    await begin(app, phoneNumber).expect(201);
    return () => app.post('/login/next').send({ channel: 'sms' });
  },
  'before the code of a message is typed': (house, phoneNumber) => async (app) => {
    await askedForSms(app, phoneNumber);
    const code = await codeFor(house, phoneNumber);
    return () => postCode(app, code);
  },
  'once logged in': (house, phoneNumber) => async (app) => {
    await askedForSms(app, phoneNumber);
    await postCode(app, await codeFor(house, phoneNumber)).expect(200);
    return () => app.get('/session');
  },
} satisfies Record<string, (house: House, phoneNumber: string) => Step>;

export type Point = keyof typeof POINTS;
export const POINTS_OF_LOGIN = Object.keys(POINTS) as Point[];

/** What a point's step is answered when all goes well. */
export const WELL: Record<Point, readonly [status: number, word: string]> = {
  'before login': [201, 'silent_auth'],
  'between login and callback': [200, 'a code'],
  'between login and the callback of a browser': [303, 'a code'],
  'between callback and verify': [200, 'verified'],
  'before a message is asked for': [200, 'sms'],
  'before the code of a message is typed': [200, 'verified'],
  'once logged in': [200, 'logged in'],
};

/** A number for each point, so that none is in the way of another. */
const numberOf = (point: Point): string => `+4477009000${10 + POINTS_OF_LOGIN.indexOf(point)}`;

/** Brings a login to a point. */
export async function bringTo(point: Point, house: House): Promise<Standing> {
  const app = house.app();
  const step = await POINTS[point](house, numberOf(point))(app);
  return {
    async step() {
      const startedAt = performance.now();
      const { status, body } = await step();
      return { status, word: wordOf(body), ms: Math.round(performance.now() - startedAt) };
    },
    isLoggedIn: async () => {
      const { body } = await app.get('/session').expect(200);
      if (body.authenticated) expect(body.phone_number).toBe(numberOf(point));
      return Boolean(body.authenticated);
    },
  };
}

function wordOf(body: Record<string, unknown>): string {
  const { error, channel } = body as { error?: string; channel?: string | null };
  if (error !== undefined) return error;
  if (body['verified'] === true) return 'verified';
  if (body['authenticated'] !== undefined) return body['authenticated'] ? 'logged in' : 'logged out';
  return body['code'] === undefined ? String(channel) : 'a code';
}
