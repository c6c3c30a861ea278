import { createSessionRecords } from '../src/session/records.js';
import { createMemoryStore } from '../src/store/memory.js';
import { newSecret } from './support/credentials.js';
import { walk } from './support/device.js';
import { ALICE, BOB, startSystem, postCode, withSystem, type System } from './support/system.js';
import { until } from './support/until.js';
import { testWorld } from './support/world.js';

const cookieOf = (headers: Record<string, unknown>): string =>
  String((headers['set-cookie'] as string[] | undefined)?.[0]);
const valueOf = (headers: Record<string, unknown>): string => cookieOf(headers).split(';')[0] ?? '';

describe.each(['redis', 'memory'] as const)('a session on the %s store', (store) => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ store })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const ask = async (cookie: string, path = '/session') =>
    (await (await fetch(system.base + path, { headers: { cookie } })).json()) as Record<string, unknown>;

  test('is not created by GET /session, by a refused login, or by a logout', async () => {
    for (const request of [
      system.app().get('/session'),
      system.app().get('/login'),
      system.app().post('/login').send({ phone_number: 'x' }),
      system.app().post('/verify').send({ code: 'x' }),
      system.app().post('/logout'),
      system.app().delete('/login'),
    ]) {
      expect((await request).headers['set-cookie']).toBeUndefined();
    }
    expect(await system.redis.dbsize()).toBe(0);
  });

  test('gets a new id when the login begins and when it completes, and the old ids are invalid', async () => {
    const app = system.app();
    const first = await app.post('/login').send({ phone_number: ALICE });
    const second = await app.post('/login').send({ phone_number: ALICE });
    const home = await walk(second.body.auth_url);
    const done = await postCode(app, String(home.json?.['code'])).expect(200);
    const ids = [first, second, done].map(({ headers }) => valueOf(headers));
    expect(new Set(ids).size).toBe(3);
    expect(await ask(ids[0] ?? '')).toEqual({ authenticated: false });
    expect(await ask(ids[1] ?? '')).toEqual({ authenticated: false });
    expect(await ask(ids[2] ?? '')).toMatchObject({ authenticated: true });
  });

  test('is not created under the id of a planted cookie', async () => {
    for (const planted of [
      'sid=s%3Aattacker.signature',
      'sid=attacker',
      `sid=s%3A${'A'.repeat(43)}.x`,
      'sid=',
    ]) {
      const begun = await system
        .app()
        .post('/login')
        .set('cookie', planted)
        .send({ phone_number: ALICE })
        .expect(201);
      expect(valueOf(begun.headers)).not.toBe(planted);
    }
  });

  test('ends at once with a logout, which clears the cookie', async () => {
    const { app, code } = await system.walkedLogin();
    const done = await postCode(app, code);
    const out = await app.post('/logout').expect(204);
    expect(cookieOf(out.headers)).toMatch(/^sid=; Path=\/; Expires=Thu, 01 Jan 1970/);
    expect(await ask(valueOf(done.headers))).toEqual({ authenticated: false });
    await app.post('/logout').expect(204);
  });

  test('ends with a logout by any cookie that was ever issued for it', async () => {
    for (const age of [0, 1, 2]) {
      const app = system.app();
      const first = await app.post('/login').send({ phone_number: ALICE });
      const second = await app.post('/login').send({ phone_number: ALICE });
      const home = await walk(second.body.auth_url);
      const done = await postCode(app, String(home.json?.['code'])).expect(200);
      const cookies = [first, second, done].map(({ headers }) => valueOf(headers));
      const out = await system
        .app()
        .post('/logout')
        .set('cookie', cookies[age] ?? '')
        .expect(204);
      expect(cookieOf(out.headers)).toMatch(/^sid=;/);
      expect(await ask(cookies[2] ?? '')).toEqual({ authenticated: false });
      expect(await system.redis.keys('sess:*')).toEqual([]);
    }
  });

  test('ends for a thief as well if the owner logs out with the cookie that the thief made outdated', async () => {
    const { app, code } = await system.walkedLogin();
    const owner = valueOf((await postCode(app, code)).headers);
    const stolen = await system.app().post('/login').set('cookie', owner).send({ phone_number: BOB });
    const thief = valueOf(stolen.headers);
    expect(await ask(thief)).toMatchObject({ authenticated: true });
    expect(await ask(owner)).toEqual({ authenticated: false });
    await app.post('/logout').expect(204);
    expect(await ask(thief)).toEqual({ authenticated: false });
  });

  test('ends with a logout, whatever other requests the session has pending', async () => {
    for (let round = 0; round < 4; round++) {
      const { app, code } = await system.walkedLogin();
      const cookie = valueOf((await postCode(app, code)).headers);
      const post = (path: string, body: object) =>
        fetch(system.base + path, {
          method: 'POST',
          headers: { cookie, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const [begun] = await Promise.all([post('/login', { phone_number: ALICE }), post('/logout', {})]);
      expect(await ask(cookie)).toEqual({ authenticated: false });
      expect(await ask(begun.headers.get('set-cookie')?.split(';')[0] ?? '')).toEqual({
        authenticated: false,
      });
    }
  });

  test('with a newer cookie is not changed by a login that begins with the outdated one', async () => {
    const app = system.app();
    const first = await app.post('/login').send({ phone_number: ALICE });
    const home = await walk(first.body.auth_url);
    const done = await postCode(app, String(home.json?.['code'])).expect(200);
    const [outdated, current] = [valueOf(first.headers), valueOf(done.headers)];
    const begun = await system
      .app()
      .post('/login')
      .set('cookie', outdated)
      .send({ phone_number: BOB })
      .expect(201);
    expect(await ask(valueOf(begun.headers))).toEqual({ authenticated: false });
    expect(await ask(current)).toMatchObject({ authenticated: true, phone_number: ALICE });
  });

  test('whose login was cancelled during its /verify stays logged out', async () => {
    const { app, code } = await system.walkedLogin();
    await system.control('faults', { verify: { delay_ms: 1000 } });
    const slow = postCode(app, code).then((answer) => answer);
    await until(async () => (await system.upstream()).some(({ path }) => path.startsWith('/camara')));
    await app.delete('/login').expect(204);
    const late = await slow;
    expect([late.status, late.body.error]).toEqual([410, 'login_expired']);
    expect((await app.get('/session')).body).toEqual({ authenticated: false });
  });

  test('is not restored by a request that was pending when it ended', async () => {
    const { app, code } = await system.walkedLogin();
    await system.control('faults', { verify: { delay_ms: 1000 } });
    const slow = postCode(app, code).then((answer) => answer);
    await until(async () => (await system.upstream()).some(({ path }) => path.startsWith('/camara')));
    const begun = (await app.get('/login')).body.status;
    await app.post('/logout').expect(204);
    const late = await slow;
    expect([begun, late.status, late.body.error]).toEqual(['pending', 410, 'login_expired']);
    expect((await app.get('/session')).body).toEqual({ authenticated: false });
    expect(await system.redis.keys('sess:*')).toEqual([]);
  });

  test('expires after half an hour idle, and after twelve hours in any case', async () => {
    const { app, code } = await system.walkedLogin();
    const done = await postCode(app, code);
    const cookie = valueOf(done.headers);
    const since = system.world.now();
    for (let minute = 0; minute < 12 * 60; minute += 24) {
      const { expires_at: until } = await ask(cookie);
      // If it stays idle, but never later than its absolute expiry.
      const minutes = Math.min(minute + 30, 12 * 60);
      expect(until).toBe(new Date(since + minutes * 60_000).toISOString());
      system.world.turn(24 * 60);
    }
    expect(await ask(cookie)).toEqual({ authenticated: false });
    // Redis expires keys by its own clock; the next describe reads its time to live.
    if (store === 'redis') return;
    const idle = await system.walkedLogin();
    const proved = valueOf((await postCode(idle.app, idle.code)).headers);
    system.world.turn(30 * 60 - 1);
    expect(await ask(proved)).toMatchObject({ authenticated: true });
    system.world.turn(30 * 60 + 1);
    expect(await ask(proved)).toEqual({ authenticated: false });
  });

  test('stays logged in while another login begins and fails, and changes its user when one completes', async () => {
    const { app, code } = await system.walkedLogin(ALICE);
    await postCode(app, code).expect(200);
    const begun = await app.post('/login').send({ phone_number: BOB }).expect(201);
    expect((await app.get('/session')).body.phone_number).toBe(ALICE);
    await app.delete('/login').expect(204);
    expect((await app.get('/session')).body.phone_number).toBe(ALICE);
    expect(await walk(begun.body.auth_url)).toMatchObject({ status: 410 });
    const again = await app.post('/login').send({ phone_number: BOB });
    const home = await walk(again.body.auth_url);
    await postCode(app, String(home.json?.['code'])).expect(200);
    expect((await app.get('/session')).body.phone_number).toBe(BOB);
  });

  test('keeps two users apart under ten logins at once', async () => {
    const numbers = Array.from({ length: 10 }, (_, each) => `+44770090000${each}`);
    const logins = await Promise.all(numbers.map((number) => system.walkedLogin(number)));
    await Promise.all(logins.map(({ app, code }) => postCode(app, code).expect(200)));
    const sessions = await Promise.all(logins.map(({ app }) => app.get('/session')));
    expect(sessions.map(({ body }) => String(body.phone_number))).toEqual(numbers);
  });
});

describe('a session in Redis', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const loggedIn = async () => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const [key = ''] = await system.redis.keys('sess:*');
    return { app, key };
  };

  test('has an id of 384 random bits, which is signed', async () => {
    const ids = await Promise.all(
      Array.from({ length: 9 }, async () => {
        const app = system.app();
        const begin = () => app.post('/login').send({ phone_number: ALICE }).expect(201);
        // The second login renews the session.
        const begun = [await begin(), await begin()];
        return begun.map(({ headers }) => decodeURIComponent(valueOf(headers)));
      }),
    );
    // In base64url 128 bits that name the record, 256 bits of a secret, and the signature.
    const form = /^sid=s:([\w-]{22})([\w-]{43})\.([\w+/]{43})$/;
    const parts = ids.flat().map((id) => form.exec(id)?.slice(1) ?? []);
    expect(new Set(parts.flat()).size).toBe(9 + 18 + 18);
    const secretsOf = (login: number) =>
      parts.filter((_, at) => at % 2 === login).map(([, secret]) => secret);
    for (const secrets of [secretsOf(0), secretsOf(1)])
      for (let place = 0; place < 43; place++)
        expect(new Set(secrets.map((secret) => secret?.[place])).size).toBeGreaterThan(1);
  });

  test('expires after half an hour, which each use renews', async () => {
    const { app, key } = await loggedIn();
    const expectHalfAnHour = async () => {
      const ttl = await system.redis.ttl(key);
      expect([ttl > 29 * 60, ttl <= 30 * 60]).toEqual([true, true]);
    };
    await expectHalfAnHour();
    await system.redis.expire(key, 60);
    await app.get('/session');
    await expectHalfAnHour();
  });

  test('is valid only under its own id: a copy under another id is not logged in', async () => {
    const { key } = await loggedIn();
    const other = system.app();
    await other.post('/login').send({ phone_number: BOB }).expect(201);
    const otherKey = (await system.redis.keys('sess:*')).find((each) => each !== key) ?? '';
    await system.redis.set(otherKey, (await system.redis.get(key)) ?? '', 'EX', 600);
    expect((await other.get('/session')).body).toEqual({ authenticated: false });
  });

  test.each(['', 'garbage', '{"user":{"phoneNumber":"+447700900000"}}'])(
    'that was overwritten with %p is not logged in',
    async (value) => {
      const { app, key } = await loggedIn();
      await system.redis.set(key, value, 'EX', 600);
      expect((await app.get('/session').expect(200)).body).toEqual({ authenticated: false });
    },
  );
});

describe('a stored session', () => {
  const user = { phoneNumber: ALICE, channel: 'sms', channels: ['sms'], authenticatedAt: Date.now() };
  const verification = {
    id: 'v',
    steps: [{ channel: 'sms', seconds: 300 }],
    step: 0,
    since: 0,
    startedAt: 0,
  };
  const login = {
    ...{ id: 'l', phoneNumber: ALICE, client: 'app', channel: 'sms', status: 'completed', locked: true },
    ...{ codeChallenge: 'c', expiresAt: 1, ticket: 't', proved: ['silent_auth'] },
    verification: { ...verification, stopsAt: 1, checkUrl: 'https://operator.example', cancelled: true },
    formerVerification: verification,
  };
  const readBack = async (state: object) => {
    const world = testWorld();
    const records = createSessionRecords({ store: createMemoryStore(world), secrets: ['secret'], world });
    const id = records.newId();
    await records.write(id, state, undefined);
    return records.read(id);
  };

  test('is read with every field of its login and user, those of a newer release included', async () => {
    const state = { login: { ...login, newer: 1 }, user: { ...user, newer: 2 } };
    expect(await readBack(state)).toMatchObject(state);
  });

  test.each<[string, object]>([
    ['a list that is text', { user: { ...user, channels: 'sms' } }],
    ['a number that is not E.164', { user: { ...user, phoneNumber: '07700900000' } }],
    ['a field missing', { user: { ...user, authenticatedAt: undefined } }],
    ['an unknown status', { login: { ...login, status: 'new' } }],
    ['an unknown channel', { login: { ...login, proved: ['fax'] } }],
    ['an incomplete verification', { login: { ...login, verification: { id: 'v' } } }],
  ])('with %s can be ended, but not read', async (_what, state) => {
    expect(await readBack({ login, user, ...state })).toBe('outdated');
  });
});

test('the cookie over https has __Host-, Secure, HttpOnly and SameSite=Lax', () =>
  withSystem({ env: { PUBLIC_URL: 'https://login.example.com' } }, async (system) => {
    const begun = await system.app().post('/login').send({ phone_number: ALICE }).expect(201);
    expect(cookieOf(begun.headers)).toMatch(
      /^__Host-sid=s%3A[\w-]{65}\.[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(begun.headers['strict-transport-security']).toMatch(/max-age=\d{8}/);
  }));

test('sessions remain readable with a rotated secret, and not with a removed one', async () => {
  const [old, fresh] = [newSecret(), newSecret()];
  const systems = await Promise.all(
    [old, `${fresh},${old}`, fresh].map((secret) => startSystem({ env: { SESSION_SECRET: secret } })),
  );
  try {
    const [before, during, after] = systems as [System, System, System];
    const begun = await before.app().post('/login').send({ phone_number: ALICE });
    const login = async (system: System) =>
      (await fetch(`${system.base}/login`, { headers: { cookie: valueOf(begun.headers) } })).status;
    expect([await login(before), await login(during), await login(after)]).toEqual([200, 200, 404]);
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
});
