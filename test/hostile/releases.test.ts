import type { Express } from 'express';
import type { Redis } from 'ioredis';
import { createApp } from '../../src/routes.js';
import type { SilentAuth } from '../../src/index.js';
import { walk } from '../support/device.js';
import { ALICE, BOB, startSystem, postCode, WITH_CODES, type System } from '../support/system.js';
import { sessionOn, withMounted, type Mounted } from '../support/mounted.js';
import { until } from '../support/until.js';
import { openOtherRelease, RELEASES, type Kind, type OtherRelease, type Write } from './releases.js';
import { addToSummary } from './summary.js';

type App = ReturnType<System['app']>;

declare module 'express-session' {
  interface SessionData {
    diagnosis?: string;
  }
}

const [OTHER, THIS] = [0, 1];

/** Completes a login at this release with the cookies that the app has. */
async function expectLogin(system: System, app: App, phoneNumber: string): Promise<void> {
  system.sendTo(THIS);
  const begun = await app.post('/login').send({ phone_number: phoneNumber }).expect(201);
  const home = await walk(String(begun.body.auth_url));
  await postCode(app, String(home.json?.['code'])).expect(200);
  expect((await app.get('/session').expect(200)).body).toMatchObject({ phone_number: phoneNumber });
}

let other: OtherRelease;
let systems: Record<'network-enablement' | 'verify', System>;
beforeAll(async () => {
  other = await openOtherRelease();
  const open = (SILENT_AUTH: string) =>
    startSystem({ builds: [other.createApp, createApp], env: { ...WITH_CODES, SILENT_AUTH } });
  systems = { 'network-enablement': await open('network-enablement'), verify: await open('verify') };
});
afterAll(() => Promise.all(Object.values(systems).map((system) => system.stop())));

describe.each(Object.entries(RELEASES))('beside a process of a release %s', (_which, how) => {
  let tried = 0;
  afterEach(() => {
    tried++;
  });
  afterAll(() => addToSummary({ 'cases tried': tried, 'cases refused': tried }));

  /**
   * Runs a test in which the process of the other release writes one kind of record differently.
   */
  const withOtherFormat = async (
    kind: Kind,
    work: (system: System) => Promise<void>,
    engine: keyof typeof systems = 'network-enablement',
  ): Promise<void> => {
    const system = systems[engine];
    await system.reset();
    other.writes(kind, how);
    system.sendTo(OTHER);
    await work(system);
    expect(system.world.logged()).not.toMatch(/internal_error/);
  };
  const asked = async (system: System, path: string) =>
    (await system.upstream()).filter((call) => call.path.startsWith(path)).length;

  test('an unreadable session is not logged in, can be ended, and is replaced by a new login', () =>
    withOtherFormat('session', async (system) => {
      const { app, code } = await system.walkedLogin(ALICE);
      await postCode(app, code).expect(200);
      system.sendTo(THIS);
      expect((await app.get('/session').expect(200)).body).toEqual({ authenticated: false });
      await app.get('/login').expect(404);
      await expectLogin(system, app, BOB);
      system.sendTo(OTHER);
      await app.get('/session').expect(200);
    }));

  test('a logout ends an unreadable session', () =>
    withOtherFormat('session', async (system) => {
      const { app, code } = await system.walkedLogin(ALICE);
      const answer = await postCode(app, code).expect(200);
      const cookie = String((answer.headers['set-cookie'] as unknown as string[])[0]).split(';')[0] ?? '';
      system.sendTo(THIS);
      await system.app().post('/logout').set('cookie', cookie).expect(204);
      system.sendTo(OTHER);
      const left = await system.app().get('/session').set('cookie', cookie).expect(200);
      expect(left.body).toEqual({ authenticated: false });
    }));

  test('a login in an unreadable session cannot be verified, moved on or cancelled', () =>
    withOtherFormat('session', async (system) => {
      const { app, code } = await system.walkedLogin(ALICE);
      system.sendTo(THIS);
      expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
      expect((await app.post('/login/next').send({}).expect(404)).body.error).toBe('no_login');
      await app.delete('/login').expect(204);
      expect(await asked(system, '/camara')).toBe(0);
      await expectLogin(system, app, ALICE);
    }));

  test.each(['app', 'browser'] as const)(
    'a link with an unreadable ticket has expired, with client %s',
    (client) =>
      withOtherFormat('state ticket', async (system) => {
        const app = system.app();
        const begun = await app.post('/login').send({ phone_number: ALICE, client }).expect(201);
        const { hops } = await walk(String(begun.body.auth_url), { stopBefore: system.base });
        system.sendTo(THIS);
        const { pathname, search } = new URL(hops.at(-1) ?? '');
        const home = await app.get(pathname + search).redirects(0);
        expect([home.status, home.text + String(home.headers['location'])]).toEqual([
          client === 'app' ? 410 : 303,
          expect.stringContaining('login_expired'),
        ]);
        expect(await asked(system, '/oauth2/token')).toBe(0);
        await expectLogin(system, app, ALICE);
      }),
  );

  test('a code with an unreadable ticket is invalid, and its login continues by a message', () =>
    withOtherFormat('code ticket', async (system) => {
      const { app, code } = await system.walkedLogin(ALICE);
      system.sendTo(THIS);
      expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
      expect(await asked(system, '/camara')).toBe(0);
      await app.post('/login/next').send({ channel: 'sms' }).expect(200);
      await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    }));

  test('an unreadable report of a verification is ignored, and its login continues by a message', () =>
    withOtherFormat(
      'verify report',
      async (system) => {
        const app = system.app();
        const begun = await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
        await walk(String(begun.body.auth_url));
        // The event of the silent step, and the summary.
        await until(
          async () => (await system.webhooks()).filter(({ status }) => status === 204).length === 2,
        );
        system.sendTo(THIS);
        const { body } = await app.get('/login').expect(200);
        expect(body).toMatchObject({ status: 'pending', next_channels: expect.any(Array) });
        await app.post('/login/next').send({ channel: 'sms' }).expect(200);
        await app.post('/login/next').send({ channel: 'voice' });
        const code = (await system.messages()).at(-1)?.code ?? '';
        await postCode(app, code).expect(200);
        system.sendTo(OTHER);
        await app.get('/login').expect(200);
      },
      'verify',
    ));
});

/** A host app that stores private data in its session, and returns the logged-in user. */
function practice(app: Express, silentAuth: SilentAuth, redis: Redis): void {
  app.use(sessionOn(redis)).use('/auth', silentAuth);
  app.get('/me', silentAuth.load, (req, res) =>
    res.json({ user: req.silentAuth.user?.phoneNumber, diagnosis: req.session.diagnosis }),
  );
  app.get('/keep/:field/:value', (req, res) => {
    const { field, value } = req.params;
    Object.assign(req.session, { [field]: JSON.parse(value) as unknown });
    res.json({});
  });
}

/** A browser that sends its cookie to several processes of the app. */
function openBrowser() {
  let cookie = '';
  const ask = async ({ base }: Mounted, request: string, body?: object) => {
    const [method = '', path = ''] = request.split(' ');
    const answer = await fetch(base + path, {
      method,
      headers: { cookie, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    const text = await answer.text();
    return { status: answer.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> };
  };
  const logIn = async (mounted: Mounted, phoneNumber: string): Promise<number> => {
    const begun = await ask(mounted, 'POST /auth/login', { phone_number: phoneNumber });
    const { json } = await walk(String(begun.body['auth_url']));
    return (await ask(mounted, 'POST /auth/verify', { code: json?.['code'] })).status;
  };
  return { ask, logIn, cookie: () => cookie };
}

describe('in a host app, whose session contains ours', () => {
  /** Starts two processes of the app, one of them with another release. */
  const inBoth = async (work: (there: Mounted, here: Mounted) => Promise<void>): Promise<void> => {
    other.writes('session', RELEASES['after this one'] as Write);
    await withMounted({ compose: practice, build: other.createSilentAuth }, (there) =>
      withMounted({ compose: practice }, (here) => work(there, here)),
    );
  };

  test('a session of another release is not logged in, and the next user does not see its data', () =>
    inBoth(async (there, here) => {
      const { ask, logIn } = openBrowser();
      expect(await logIn(there, ALICE)).toBe(200);
      await ask(there, 'GET /keep/diagnosis/"private"');
      expect((await ask(here, 'GET /me')).body).toEqual({ diagnosis: 'private' });
      expect(await logIn(here, BOB)).toBe(200);
      expect(await ask(here, 'GET /me')).toEqual({ status: 200, body: { user: BOB } });
      expect((await ask(there, 'GET /me')).status).toBe(200);
    }));

  test('a logout ends an unreadable session, and that of the app', () =>
    inBoth(async (there, here) => {
      const { ask, logIn, cookie } = openBrowser();
      await logIn(there, ALICE);
      await ask(there, 'GET /keep/diagnosis/"private"');
      const copied = cookie();
      expect((await ask(here, 'POST /auth/logout')).status).toBe(204);
      const left = await fetch(`${there.base}/me`, { headers: { cookie: copied } });
      expect(await left.json()).toEqual({});
    }));

  test('other values in place of our session log no one in, and a login can begin', () =>
    withMounted({ compose: practice }, async (mounted) => {
      const others = [
        '"an id"',
        '1',
        'true',
        'null',
        '[]',
        '{}',
        '{"id":1}',
        '{"id":"x","owner":1}',
        '{"id":null}',
      ];
      for (const value of others) {
        const { ask, logIn } = openBrowser();
        await ask(mounted, `GET /keep/silentAuth/${encodeURIComponent(value)}`);
        expect([value, await ask(mounted, 'GET /me')]).toEqual([value, { status: 200, body: {} }]);
        expect([value, await logIn(mounted, ALICE)]).toEqual([value, 200]);
        expect((await ask(mounted, 'GET /me')).body).toEqual({ user: ALICE });
      }
    }));
});
