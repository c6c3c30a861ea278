import type { Express } from 'express';
import type { Redis } from 'ioredis';
import { createApp } from '../../src/app.js';
import type { SilentAuth } from '../../src/index.js';
import { walk } from '../support/device.js';
import { ALICE, BOB, buildHouse, postCode, WITH_CODES, type House } from '../support/house.js';
import { sessionOn, withMounted, type Mounted } from '../support/mounted.js';
import { until } from '../support/until.js';
import { openOtherRelease, RELEASES, type Kind, type OtherRelease, type Write } from './releases.js';
import { addToSummary } from './summary.js';

type App = ReturnType<House['app']>;

declare module 'express-session' {
  interface SessionData {
    diagnosis?: string;
  }
}

const [OTHER, THIS] = [0, 1];

/** The whole of a login at this release, with whatever the app has already. */
async function logsInHere(house: House, app: App, phoneNumber: string): Promise<void> {
  house.sendTo(THIS);
  const begun = await app.post('/login').send({ phone_number: phoneNumber }).expect(201);
  const home = await walk(String(begun.body.auth_url));
  await postCode(app, String(home.json?.['code'])).expect(200);
  expect((await app.get('/session').expect(200)).body).toMatchObject({ phone_number: phoneNumber });
}

describe.each(Object.entries(RELEASES))('beside a process of a release %s', (_which, how) => {
  let houses: Record<'network-enablement' | 'verify', House>;
  let other: OtherRelease;
  let tried = 0;
  beforeAll(async () => {
    other = await openOtherRelease();
    const open = (SILENT_AUTH: string) =>
      buildHouse({ builds: [other.createApp, createApp], env: { ...WITH_CODES, SILENT_AUTH } });
    houses = { 'network-enablement': await open('network-enablement'), verify: await open('verify') };
  });
  afterEach(() => {
    tried++;
  });
  afterAll(async () => {
    for (const house of Object.values(houses)) await house.stop();
    addToSummary({ 'cases tried': tried, 'cases refused': tried });
  });

  /**
   * A login begins in the process of the other release, which writes one kind of record in its
   * own way.
   */
  const beginThere = async (
    kind: Kind,
    work: (house: House) => Promise<void>,
    engine: keyof typeof houses = 'network-enablement',
  ): Promise<void> => {
    const house = houses[engine];
    await house.reset();
    other.writes(kind, how);
    house.sendTo(OTHER);
    await work(house);
    expect(house.world.logged()).not.toMatch(/internal_error/);
  };
  const asked = async (house: House, path: string) =>
    (await house.upstream()).filter((call) => call.path.startsWith(path)).length;

  test('a session is nobody’s, can be ended, and a login begins in its place', () =>
    beginThere('session', async (house) => {
      const { app, code } = await house.walkedLogin(ALICE);
      await postCode(app, code).expect(200);
      house.sendTo(THIS);
      expect((await app.get('/session').expect(200)).body).toEqual({ authenticated: false });
      await app.get('/login').expect(404);
      await logsInHere(house, app, BOB);
      house.sendTo(OTHER);
      await app.get('/session').expect(200);
    }));

  test('a logout ends a session that it cannot read', () =>
    beginThere('session', async (house) => {
      const { app, code } = await house.walkedLogin(ALICE);
      const answer = await postCode(app, code).expect(200);
      const cookie = String((answer.headers['set-cookie'] as unknown as string[])[0]).split(';')[0] ?? '';
      house.sendTo(THIS);
      await house.app().post('/logout').set('cookie', cookie).expect(204);
      house.sendTo(OTHER);
      const left = await house.app().get('/session').set('cookie', cookie).expect(200);
      expect(left.body).toEqual({ authenticated: false });
    }));

  test('a login under way in a session is none: it is not proved, moved on or given up', () =>
    beginThere('session', async (house) => {
      const { app, code } = await house.walkedLogin(ALICE);
      house.sendTo(THIS);
      expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
      expect((await app.post('/login/next').send({}).expect(404)).body.error).toBe('no_login');
      await app.delete('/login').expect(204);
      expect(await asked(house, '/camara')).toBe(0);
      await logsInHere(house, app, ALICE);
    }));

  test.each(['app', 'browser'] as const)('a link of one that began there is too old, for its %s', (client) =>
    beginThere('state ticket', async (house) => {
      const app = house.app();
      const begun = await app.post('/login').send({ phone_number: ALICE, client }).expect(201);
      const { hops } = await walk(String(begun.body.auth_url), { stopBefore: house.base });
      house.sendTo(THIS);
      const { pathname, search } = new URL(hops.at(-1) ?? '');
      const home = await app.get(pathname + search).redirects(0);
      expect([home.status, home.text + String(home.headers['location'])]).toEqual([
        client === 'app' ? 410 : 303,
        expect.stringContaining('login_expired'),
      ]);
      expect(await asked(house, '/oauth2/token')).toBe(0);
      await logsInHere(house, app, ALICE);
    }),
  );

  test('a code that a device was given there proves nothing, and its login goes on by a message', () =>
    beginThere('code ticket', async (house) => {
      const { app, code } = await house.walkedLogin(ALICE);
      house.sendTo(THIS);
      expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
      expect(await asked(house, '/camara')).toBe(0);
      await app.post('/login/next').send({ channel: 'sms' }).expect(200);
      await postCode(app, (await house.messages()).at(-1)?.code ?? '').expect(200);
    }));

  test('what Vonage told it of a verification is not known here, and is heard when it is told again', () =>
    beginThere(
      'verify report',
      async (house) => {
        const app = house.app();
        const begun = await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
        await walk(String(begun.body.auth_url));
        await until(async () => (await house.redis.keys('verify:*')).length === 1);
        house.sendTo(THIS);
        const { body } = await app.get('/login').expect(200);
        expect(body).toMatchObject({ status: 'pending', next_channels: expect.any(Array) });
        await app.post('/login/next').send({ channel: 'sms' }).expect(200);
        await app.post('/login/next').send({ channel: 'voice' });
        const code = (await house.messages()).at(-1)?.code ?? '';
        await postCode(app, code).expect(200);
        house.sendTo(OTHER);
        await app.get('/login').expect(200);
      },
      'verify',
    ));
});

/** An app that keeps what is private in its session, and says who is logged in. */
function practice(app: Express, silentAuth: SilentAuth, redis: Redis): void {
  app.use(sessionOn(redis)).use('/auth', silentAuth);
  app.get('/me', silentAuth.load, (req, res) =>
    res.json({ user: req.silentAuth?.user?.phoneNumber, diagnosis: req.session.diagnosis }),
  );
  app.get('/keep/:field/:value', (req, res) => {
    const { field, value } = req.params;
    Object.assign(req.session, { [field]: JSON.parse(value) as unknown });
    res.json({});
  });
}

/**
 * Asks one of several processes of the app, with the cookie that a browser got from another one.
 */
function visitor() {
  let cookie = '';
  const ask = async ({ base }: Mounted, method: string, path: string, body?: object) => {
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
    const begun = await ask(mounted, 'POST', '/auth/login', { phone_number: phoneNumber });
    const { json } = await walk(String(begun.body['auth_url']));
    return (await ask(mounted, 'POST', '/auth/verify', { code: json?.['code'] })).status;
  };
  return { ask, logIn, cookie: () => cookie };
}

describe('in another app, whose session carries ours', () => {
  /** Two processes of the app, the one with another release of ours. */
  const inBoth = async (
    how: Write | undefined,
    work: (other: Mounted, here: Mounted) => Promise<void>,
  ): Promise<void> => {
    const release = await openOtherRelease();
    if (how) release.writes('session', how);
    await withMounted({ compose: practice, build: release.createSilentAuth }, (other) =>
      withMounted({ compose: practice }, (here) => work(other, here)),
    );
  };

  test('a session of another release is nobody’s, and the next user sees nothing of it', () =>
    inBoth(RELEASES['after this one'], async (other, here) => {
      const { ask, logIn } = visitor();
      expect(await logIn(other, ALICE)).toBe(200);
      await ask(other, 'GET', '/keep/diagnosis/"private"');
      expect((await ask(here, 'GET', '/me')).body).toEqual({ diagnosis: 'private' });
      expect(await logIn(here, BOB)).toBe(200);
      expect(await ask(here, 'GET', '/me')).toEqual({ status: 200, body: { user: BOB } });
      expect((await ask(other, 'GET', '/me')).status).toBe(200);
    }));

  test('a logout ends a session that it cannot read, and the one of the app', () =>
    inBoth(RELEASES['after this one'], async (other, here) => {
      const { ask, logIn, cookie } = visitor();
      await logIn(other, ALICE);
      await ask(other, 'GET', '/keep/diagnosis/"private"');
      const copied = cookie();
      expect((await ask(here, 'POST', '/auth/logout')).status).toBe(204);
      const left = await fetch(`${other.base}/me`, { headers: { cookie: copied } });
      expect(await left.json()).toEqual({});
    }));

  test('nobody is logged in by anything else that stands where ours is, and a login begins', () =>
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
        const { ask, logIn } = visitor();
        await ask(mounted, 'GET', `/keep/silentAuth/${encodeURIComponent(value)}`);
        expect([value, await ask(mounted, 'GET', '/me')]).toEqual([value, { status: 200, body: {} }]);
        expect([value, await logIn(mounted, ALICE)]).toEqual([value, 200]);
        expect((await ask(mounted, 'GET', '/me')).body).toEqual({ user: ALICE });
      }
    }));
});
