import type { Hooks } from '../../src/login/hooks.js';
import { ALICE, BOB } from '../support/house.js';
import { openCrossing, type Ask, type Browser, type Crossing } from './crossing.js';
import { tally } from './tally.js';

// Tests go through every place at which two requests can meet.

const CAROL = '+447700900002';

type Writer = (browser: Browser, cookie: string | undefined, code: string) => Ask;

/** Every request that writes to a session. */
const WRITERS: Record<string, Writer> = {
  'POST /login': (browser, cookie) => () => browser.askAs(cookie, 'POST', '/login', { phone_number: CAROL }),
  'POST /verify': (browser, cookie, code) => () => browser.askAs(cookie, 'POST', '/verify', { code }),
  'POST /login/next': (browser, cookie) => () =>
    browser.askAs(cookie, 'POST', '/login/next', { channel: 'voice' }),
  'DELETE /login': (browser, cookie) => () => browser.askAs(cookie, 'DELETE', '/login'),
};

const writerOf = (which: string): Writer => WRITERS[which] as Writer;

describe.each([
  { engine: 'network-enablement', servers: 1, writers: Object.keys(WRITERS) },
  { engine: 'verify', servers: 2, writers: Object.keys(WRITERS) },
  // Only the code comes in another way.
  { engine: 'off', servers: 2, writers: ['POST /verify'] },
])('with SILENT_AUTH=$engine and $servers server(s)', ({ engine, servers, writers }) => {
  let crossing: Crossing;
  let endedNothing = 0;
  beforeAll(async () => (crossing = await openCrossing(engine, { servers })));
  beforeEach(() => crossing.reset());
  afterAll(async () => {
    await crossing.stop();
    tally({ 'logouts that ended nothing': endedNothing });
  });

  const isLoggedIn = async (browser: Browser, cookie: string | undefined): Promise<boolean> =>
    (await browser.askAs(cookie, 'GET', '/session')).json?.['authenticated'] === true;
  const loggedIn = async (): Promise<Browser> => {
    await crossing.reset();
    const browser = crossing.browser();
    const code = await crossing.codeFor(browser, ALICE);
    expect((await browser.ask('POST', '/verify', { code })).status).toBe(200);
    return browser;
  };
  /** Those of a browser's cookies, by their age, that somebody is still logged in with. */
  const survivors = async (browser: Browser): Promise<number[]> => {
    const alive = await Promise.all(browser.cookies.map((cookie) => isLoggedIn(browser, cookie)));
    const left = alive.flatMap((is, at) => (is ? [at] : []));
    if (left.length > 0) endedNothing++;
    return left;
  };

  test.each([
    ['the first', 0],
    ['an old', -2],
    ['the latest', -1],
  ])('a logout with %s cookie of a session ends it, whoever used a copy in between', async (_which, at) => {
    const browser = await loggedIn();
    await browser.ask('POST', '/login', { phone_number: BOB });
    await browser.ask('POST', '/login', { phone_number: BOB });
    expect(await isLoggedIn(browser, browser.cookies.at(-1))).toBe(true);
    expect((await browser.askAs(browser.cookies.at(at), 'POST', '/logout')).status).toBe(204);
    expect(await survivors(browser)).toEqual([]);
  });

  test('a logout of the owner ends a session in which a thief has proved a number of his own', async () => {
    const browser = await loggedIn();
    const copied = browser.cookies.at(-1);
    const code = await crossing.codeFor(browser, CAROL);
    expect((await browser.ask('POST', '/verify', { code })).status).toBe(200);
    expect((await browser.askAs(copied, 'POST', '/logout')).status).toBe(204);
    expect(await survivors(browser)).toEqual([]);
  });

  test.each(writers)('a logout that crosses %s ends the session, wherever the two meet', (which) =>
    everywhere(async (commands, first) => {
      const browser = await loggedIn();
      const code = await crossing.codeFor(browser, BOB);
      const cookie = browser.cookies.at(-1);
      const logOut = () => browser.askAs(cookie, 'POST', '/logout');
      const met = await crossing.cross(commands, first, [writerOf(which)(browser, cookie, code), logOut]);
      const [written, loggedOut] = met.answers;
      expect([first, commands, loggedOut.status, await survivors(browser)]).toEqual([
        ...[first, commands, 204],
        [],
      ]);
      expect(written.status).toBeLessThan(500);
      return met.isOver;
    }),
  );

  test('a login that was given up while its code was proved logs nobody in, wherever the two meet', () =>
    everywhere(async (commands, first) => {
      await crossing.reset();
      const browser = crossing.browser();
      const code = await crossing.codeFor(browser, BOB);
      const cookie = browser.cookies.at(-1);
      const before: { status?: unknown } = {};
      const giveUp = async () => {
        before.status = (await browser.askAs(cookie, 'GET', '/login')).json?.['status'];
        return browser.askAs(cookie, 'DELETE', '/login');
      };
      const prove = () => browser.askAs(cookie, 'POST', '/verify', { code });
      const met = await crossing.cross(commands, first, [prove, giveUp]);
      const [proved, givenUp] = met.answers;
      const wasInTime = first === 0 && before.status === 'pending' && givenUp.status === 204;
      const isAlive = await Promise.all(browser.cookies.map((each) => isLoggedIn(browser, each)));
      expect([first, commands, proved.status < 500]).toEqual([first, commands, true]);
      if (wasInTime) expect([first, commands, isAlive.includes(true)]).toEqual([first, commands, false]);
      expect(isAlive.includes(true)).toBe(proved.json?.['verified'] === true);
      return met.isOver;
    }));
});

describe.each(['network-enablement', 'verify'])(
  'with SILENT_AUTH=%s and a hook that wants more',
  (engine) => {
    let crossing: Crossing;
    beforeAll(async () => {
      const hooks: Hooks = {
        beforeSession: ({ channel }) => (channel === 'silent_auth' ? { stepUp: true } : { allow: true }),
      };
      crossing = await openCrossing(engine, { hooks });
    });
    afterAll(() => crossing.stop());

    /** What is left of a login after its SIM was confirmed: the app asks where it stands, and goes on. */
    const finish = async (browser: Browser): Promise<number[]> => {
      const { json } = await browser.ask('GET', '/login');
      const next = json?.['channel'] === 'sms' ? undefined : await browser.ask('POST', '/login/next', {});
      const code = (await crossing.house.messages()).at(-1)?.code;
      const proved = await browser.ask('POST', '/verify', { code });
      return [next?.status ?? 200, proved.status];
    };

    test('a step-up that crosses POST /login/next is finished by a code, wherever the two meet', () =>
      everywhere(async (commands, first) => {
        await crossing.reset();
        const browser = crossing.browser();
        const code = await crossing.codeFor(browser, ALICE);
        const prove = () => browser.ask('POST', '/verify', { code });
        const goOn = () => browser.ask('POST', '/login/next', { channel: 'sms' });
        const met = await crossing.cross(commands, first, [prove, goOn]);
        const [proved] = met.answers;
        expect([first, commands, ...(await finish(browser))]).toEqual([first, commands, 200, 200]);
        const { json } = await browser.ask('GET', '/session');
        const channels = proved.json?.['error'] === 'step_up_required' ? ['silent_auth', 'sms'] : undefined;
        expect([first, commands, json?.['channels']]).toEqual([first, commands, channels]);
        return met.isOver;
      }));
  },
);

/** Crosses two requests at every command of the one and of the other, until the held one is over before. */
async function everywhere(cross: (commands: number, first: 0 | 1) => Promise<boolean>): Promise<void> {
  for (const first of [0, 1] as const) {
    for (let commands = 0, isOver = false; !isOver; commands++) isOver = await cross(commands, first);
  }
}
