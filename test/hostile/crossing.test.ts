import type { Hooks } from '../../src/login/hooks.js';
import { ALICE, BOB } from '../support/system.js';
import { openCrossing, type Ask, type Browser, type Crossing } from './crossing.js';
import { addToSummary } from './summary.js';

// Each test tries every point at which one request can interrupt the other.

const CAROL = '+447700900002';

type Writer = (browser: Browser, cookie: string | undefined, code: string) => Ask;

/** The requests that write to a session. */
const WRITERS: Record<string, Writer> = {
  'POST /login': (browser, cookie) => () =>
    browser.askAs(cookie, { method: 'POST', path: '/login', body: { phone_number: CAROL } }),
  'POST /verify': (browser, cookie, code) => () =>
    browser.askAs(cookie, { method: 'POST', path: '/verify', body: { code } }),
  'POST /login/next': (browser, cookie) => () =>
    browser.askAs(cookie, { method: 'POST', path: '/login/next', body: { channel: 'voice' } }),
  'DELETE /login': (browser, cookie) => () => browser.askAs(cookie, { method: 'DELETE', path: '/login' }),
};

const writerOf = (which: string): Writer => WRITERS[which] as Writer;

describe.each([
  { engine: 'network-enablement', servers: 1, writers: Object.keys(WRITERS) },
  { engine: 'verify', servers: 2, writers: Object.keys(WRITERS) },
  // Differs only in the origin of the code.
  { engine: 'off', servers: 2, writers: ['POST /verify'] },
])('with SILENT_AUTH=$engine and $servers server(s)', ({ engine, servers, writers }) => {
  let crossing: Crossing;
  let endedNothing = 0;
  beforeAll(async () => (crossing = await openCrossing(engine, { servers })));
  beforeEach(() => crossing.reset());
  afterAll(async () => {
    await crossing.stop();
    addToSummary({ 'logouts that left a session logged in': endedNothing });
  });

  const isLoggedIn = async (browser: Browser, cookie: string | undefined): Promise<boolean> =>
    (await browser.askAs(cookie, { method: 'GET', path: '/session' })).json?.['authenticated'] === true;
  let session: { cookies: string[]; restore: () => Promise<void> } | undefined;
  const logIn = async (): Promise<NonNullable<typeof session>> => {
    const browser = crossing.browser();
    const code = await crossing.codeFor(browser, ALICE);
    expect((await browser.ask('POST', '/verify', { code })).status).toBe(200);
    return { cookies: browser.cookies, restore: await crossing.keep() };
  };
  /** A browser that has just logged in. The login is walked once. */
  const loggedIn = async (): Promise<Browser> => {
    session ??= await logIn();
    await session.restore();
    return crossing.browser(session.cookies);
  };
  /** The indices of a browser's cookies that are still logged in. */
  const stillLoggedIn = async (browser: Browser): Promise<number[]> => {
    const alive = await Promise.all(browser.cookies.map((cookie) => isLoggedIn(browser, cookie)));
    const left = alive.flatMap((isAlive, at) => (isAlive ? [at] : []));
    if (left.length > 0) endedNothing++;
    return left;
  };

  test.each([
    ['the first', 0],
    ['an old', -2],
    ['the latest', -1],
  ])(
    'a logout with %s cookie of a session ends it, although a copy was used in between',
    async (_which, at) => {
      const browser = await loggedIn();
      await browser.ask('POST', '/login', { phone_number: BOB });
      await browser.ask('POST', '/login', { phone_number: BOB });
      expect(await isLoggedIn(browser, browser.cookies.at(-1))).toBe(true);
      expect((await browser.askAs(browser.cookies.at(at), { method: 'POST', path: '/logout' })).status).toBe(
        204,
      );
      expect(await stillLoggedIn(browser)).toEqual([]);
    },
  );

  test('a logout of the owner ends a session in which a thief has verified his own number', async () => {
    const browser = await loggedIn();
    const copied = browser.cookies.at(-1);
    const code = await crossing.codeFor(browser, CAROL);
    expect((await browser.ask('POST', '/verify', { code })).status).toBe(200);
    expect((await browser.askAs(copied, { method: 'POST', path: '/logout' })).status).toBe(204);
    expect(await stillLoggedIn(browser)).toEqual([]);
  });

  test.each(writers)('a logout during %s ends the session, at whatever point it comes', (which) =>
    atEveryPoint(async (commands, first) => {
      const browser = await loggedIn();
      const code = await crossing.codeFor(browser, BOB);
      const cookie = browser.cookies.at(-1);
      const logOut = () => browser.askAs(cookie, { method: 'POST', path: '/logout' });
      const met = await crossing.cross({
        commands,
        first,
        requests: [writerOf(which)(browser, cookie, code), logOut],
      });
      const [written, loggedOut] = met.answers;
      expect([first, commands, loggedOut.status, await stillLoggedIn(browser)]).toEqual([
        ...[first, commands, 204],
        [],
      ]);
      expect(written.status).toBeLessThan(500);
      return met.isOver;
    }),
  );

  test('a login that was cancelled during POST /verify logs no session in, at whatever point it comes', () =>
    atEveryPoint(async (commands, first) => {
      await crossing.reset();
      const browser = crossing.browser();
      const code = await crossing.codeFor(browser, BOB);
      const cookie = browser.cookies.at(-1);
      const before: { status?: unknown } = {};
      const cancel = async () => {
        before.status = (await browser.askAs(cookie, { method: 'GET', path: '/login' })).json?.['status'];
        return browser.askAs(cookie, { method: 'DELETE', path: '/login' });
      };
      const verify = () => browser.askAs(cookie, { method: 'POST', path: '/verify', body: { code } });
      const met = await crossing.cross({ commands, first, requests: [verify, cancel] });
      const [verified, cancelled] = met.answers;
      const wasInTime = first === 0 && before.status === 'pending' && cancelled.status === 204;
      const isAlive = await Promise.all(browser.cookies.map((each) => isLoggedIn(browser, each)));
      expect([first, commands, verified.status < 500]).toEqual([first, commands, true]);
      if (wasInTime) expect([first, commands, isAlive.includes(true)]).toEqual([first, commands, false]);
      expect(isAlive.includes(true)).toBe(verified.json?.['verified'] === true);
      return met.isOver;
    }));
});

describe.each(['network-enablement', 'verify'])(
  'with SILENT_AUTH=%s and a hook that requires a step-up',
  (engine) => {
    let crossing: Crossing;
    beforeAll(async () => {
      const hooks: Hooks = {
        beforeSession: ({ channel }) => (channel === 'silent_auth' ? { stepUp: true } : { allow: true }),
      };
      crossing = await openCrossing(engine, { hooks });
    });
    afterAll(() => crossing.stop());

    /** Completes a login after its SIM was confirmed, as an app does. @returns the statuses */
    const finish = async (browser: Browser): Promise<number[]> => {
      const { json } = await browser.ask('GET', '/login');
      const next = json?.['channel'] === 'sms' ? undefined : await browser.ask('POST', '/login/next', {});
      const code = (await crossing.system.messages()).at(-1)?.code;
      const proved = await browser.ask('POST', '/verify', { code });
      return [next?.status ?? 200, proved.status];
    };

    test('a step-up during POST /login/next is completed by a code, at whatever point it comes', () =>
      atEveryPoint(async (commands, first) => {
        await crossing.reset();
        const browser = crossing.browser();
        const code = await crossing.codeFor(browser, ALICE);
        const verify = () => browser.ask('POST', '/verify', { code });
        const next = () => browser.ask('POST', '/login/next', { channel: 'sms' });
        const met = await crossing.cross({ commands, first, requests: [verify, next] });
        const [verified] = met.answers;
        expect([first, commands, ...(await finish(browser))]).toEqual([first, commands, 200, 200]);
        const { json } = await browser.ask('GET', '/session');
        const channels = verified.json?.['error'] === 'step_up_required' ? ['silent_auth', 'sms'] : undefined;
        expect([first, commands, json?.['channels']]).toEqual([first, commands, channels]);
        return met.isOver;
      }));
  },
);

/**
 * Interrupts each of two requests after 0, 1, 2… commands, until the request ends before it can be
 * interrupted.
 */
async function atEveryPoint(cross: (commands: number, first: 0 | 1) => Promise<boolean>): Promise<void> {
  for (const first of [0, 1] as const) {
    for (let commands = 0, isOver = false; !isOver; commands++) isOver = await cross(commands, first);
  }
}
