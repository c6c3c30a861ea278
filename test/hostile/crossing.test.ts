import { ALICE, BOB } from '../support/house.js';
import { openCrossing, type Browser, type Crossing } from './crossing.js';
import { tally } from './tally.js';

const CAROL = '+447700900002';

/** Every request that writes to a session. */
const WRITERS: Record<string, (browser: Browser, cookie: string | undefined, code: string) => Ask> = {
  'POST /login': (browser, cookie) => () => browser.askAs(cookie, 'POST', '/login', { phone_number: CAROL }),
  'POST /verify': (browser, cookie, code) => () => browser.askAs(cookie, 'POST', '/verify', { code }),
  'POST /login/next': (browser, cookie) => () =>
    browser.askAs(cookie, 'POST', '/login/next', { channel: 'voice' }),
  'DELETE /login': (browser, cookie) => () => browser.askAs(cookie, 'DELETE', '/login'),
};
type Ask = Parameters<Crossing['cross']>[1];

describe.each([
  { engine: 'network-enablement', servers: 1 },
  { engine: 'verify', servers: 2 },
  { engine: 'off', servers: 2 },
])('with SILENT_AUTH=$engine and $servers server(s)', ({ engine, servers }) => {
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

  test.each(Object.entries(WRITERS))(
    'a logout that crosses %s ends the session, wherever the two meet',
    async (_which, writer) => {
      for (const first of ['the writer', 'the logout']) {
        for (let commands = 0, isOver = false; !isOver; commands++) {
          const browser = await loggedIn();
          const code = await crossing.codeFor(browser, BOB);
          const cookie = browser.cookies.at(-1);
          const both = [
            writer(browser, cookie, code),
            () => browser.askAs(cookie, 'POST', '/logout'),
          ] as const;
          const [early, late] = first === 'the writer' ? both : ([both[1], both[0]] as const);
          const met = await crossing.cross(commands, early, late);
          isOver = met.isOver;
          const statuses = met.answers.map(({ status }) => status);
          expect([first, commands, statuses, await survivors(browser)]).toEqual([
            ...[first, commands],
            first === 'the writer' ? [expect.any(Number), 204] : [204, expect.any(Number)],
            [],
          ]);
          expect(Math.max(...statuses)).toBeLessThan(500);
        }
      }
    },
  );

  test('a login that was given up while its code was proved logs nobody in, wherever the two meet', async () => {
    for (let commands = 0, isOver = false; !isOver; commands++) {
      await crossing.reset();
      const browser = crossing.browser();
      const code = await crossing.codeFor(browser, BOB);
      const cookie = browser.cookies.at(-1);
      const before: { status?: unknown } = {};
      const met = await crossing.cross(
        commands,
        () => browser.askAs(cookie, 'POST', '/verify', { code }),
        async () => {
          before.status = (await browser.askAs(cookie, 'GET', '/login')).json?.['status'];
          return browser.askAs(cookie, 'DELETE', '/login');
        },
      );
      isOver = met.isOver;
      const [proved, givenUp] = met.answers;
      if (before.status !== 'pending' || givenUp.status !== 204) continue;
      expect([commands, proved.json?.['verified']]).toEqual([commands, undefined]);
      expect(await Promise.all(browser.cookies.map((each) => isLoggedIn(browser, each)))).not.toContain(true);
    }
  });
});

describe.each(['network-enablement', 'verify'])(
  'with SILENT_AUTH=%s and a hook that wants more',
  (engine) => {
    let crossing: Crossing;
    beforeAll(async () => {
      const hooks = {
        beforeSession: ({ channel }: { channel: string }) =>
          channel === 'silent_auth' ? { stepUp: true } : { allow: true },
      };
      crossing = await openCrossing(engine, { hooks });
    });
    afterAll(() => crossing.stop());

    test('a step-up that crosses POST /login/next is finished by a code, wherever the two meet', async () => {
      for (const first of ['the proof', 'the next channel']) {
        for (let commands = 0, isOver = false; !isOver; commands++) {
          await crossing.reset();
          const browser = crossing.browser();
          const code = await crossing.codeFor(browser, ALICE);
          const both = [
            () => browser.ask('POST', '/verify', { code }),
            () => browser.ask('POST', '/login/next', { channel: 'sms' }),
          ] as const;
          const met = await crossing.cross(
            commands,
            ...(first === 'the proof' ? both : ([both[1], both[0]] as const)),
          );
          isOver = met.isOver;
          expect(met.answers.map(({ json }) => json?.['verified'])).not.toContain(true);
          // Whatever the two became, the app asks for what is left and goes on.
          const { json } = await browser.ask('GET', '/login');
          const next = json?.['channel'] === 'sms' ? undefined : await browser.ask('POST', '/login/next', {});
          expect([first, commands, next?.status ?? 200]).toEqual([first, commands, 200]);
          const typed = (await crossing.house.messages()).at(-1)?.code;
          const proved = await browser.ask('POST', '/verify', { code: typed });
          expect([first, commands, proved.json]).toEqual([
            first,
            commands,
            expect.objectContaining({ verified: true }),
          ]);
        }
      }
    });
  },
);
