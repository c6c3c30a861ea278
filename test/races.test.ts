import type { Store } from '../src/store/store.js';
import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  startSystem,
  CHALLENGE,
  postCode,
  withSystem,
  type System,
  CHAINED,
  WITH_CODES,
} from './support/system.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;
const begin = (app: App, phoneNumber: string, more: object = {}) =>
  app.post('/login').send({ phone_number: phoneNumber, ...more });
const next = (app: App, channel: string) => app.post('/login/next').send({ channel });
const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);

describe('concurrent requests', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: WITH_CODES })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const asked = async (path: string, method = 'POST') => {
    const calls = await system.upstream();
    return calls.filter((call) => call.path.startsWith(path) && call.method === method);
  };
  const codeOf = async () => (await system.messages()).at(-1)?.code ?? '';

  test('a login that was cancelled while its message was sent stays cancelled', async () => {
    const app = system.app();
    await begin(app, ALICE);
    await system.control('faults', { 'verify-start': { delay_ms: 1000, times: 1 } });
    const slow = next(app, 'sms').then((answer) => answer);
    await until(async () => (await asked('/v2/verify')).length === 1);
    await app.delete('/login').expect(204);
    expect((await slow).body.error).toBe('no_login');
    await app.get('/login').expect(404);
    await postCode(app, await codeOf()).expect(400);
    expect(await isAuthenticated(app)).toBe(false);
    system.world.turn(31);
    await until(async () => (await asked('/v2/verify', 'DELETE')).length === 1);
  });

  test('a silent login that fails late does not end the channel that followed', async () => {
    const { app, code } = await system.walkedLogin('+447700900101');
    await system.control('faults', { verify: { delay_ms: 1500, times: 1 } });
    const slow = postCode(app, code).then((answer) => answer);
    await until(async () => (await asked('/camara')).length === 1);
    await system.next(app, 'sms');
    expect((await slow).body).toMatchObject({ verified: false, reason: 'number_mismatch' });
    expect((await app.get('/login')).body).toMatchObject({ status: 'pending', channel: 'sms' });
    await postCode(app, await codeOf()).expect(200);
  });

  test('a new login without a code_challenge does not accept the code of the login before', async () => {
    const app = system.app();
    await begin(app, ALICE, { code_challenge: CHALLENGE.challenge }).expect(201);
    await system.next(app, 'sms');
    const code = await codeOf();
    await begin(app, ALICE).expect(201);
    expect((await next(app, 'sms').expect(409)).body.error).toBe('login_in_progress');
    await postCode(app, code).expect(400);
    expect(await isAuthenticated(app)).toBe(false);
  });

  test('a conflicting verification is not reused by a session that had another verification', async () => {
    const [alice, other] = [system.app(), system.app()];
    await begin(alice, ALICE);
    await system.next(alice, 'sms');
    // Vonage drops that verification, and one of another session replaces it.
    await fetch(`${system.sandbox}/__sandbox/reset`, { method: 'POST' });
    await begin(other, ALICE);
    await system.next(other, 'sms');
    await begin(alice, ALICE);
    expect((await next(alice, 'sms').expect(409)).body.error).toBe('login_in_progress');
    await postCode(alice, await codeOf()).expect(400);
    expect(await isAuthenticated(alice)).toBe(false);
  });

  test('wrong codes are counted for the verification, even if the login begins again', async () => {
    const app = system.app();
    await begin(app, ALICE);
    await system.next(app, 'sms');
    const wrong = (await codeOf()) === '000000' ? '111111' : '000000';
    await postCode(app, wrong).expect(400);
    await postCode(app, wrong).expect(400);
    await begin(app, ALICE);
    await system.next(app, 'sms');
    await postCode(app, wrong).expect(429);
    const calls = (await system.upstream()).length;
    await postCode(app, wrong);
    expect((await system.upstream()).length).toBe(calls);
  });

  test.each([
    ['another number is logged in instead', (app: App) => begin(app, BOB)],
    ['the user logs out', (app: App) => app.post('/logout')],
  ])('the verification is cancelled when %s', async (_what, leave) => {
    const app = system.app();
    await begin(app, ALICE);
    await system.next(app, 'sms');
    await leave(app);
    system.world.turn(31);
    await until(async () => (await asked('/v2/verify', 'DELETE')).some(({ status }) => status === 204));
  });

  test('two concurrent webhooks both take effect', async () => {
    const app = system.app();
    await begin(app, ALICE);
    await system.next(app, 'sms');
    await system.next(app, 'voice');
    system.world.turn(301);
    await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
    await until(async () => (await app.get('/login')).body.status !== 'pending');
    expect((await app.get('/login')).body.next_channels).toEqual([]);
  });
});

test('with a Verify workflow one message is sent, even if the app asks before the webhook arrives', () =>
  withSystem({ env: CHAINED }, async (system) => {
    for (const body of [{ channel: 'sms' }, {}]) {
      const app = system.app();
      const begun = await begin(app, '+447700900103').expect(201);
      await walk(begun.body.auth_url);
      const moved = await app.post('/login/next').send(body).expect(200);
      expect(moved.body.channel).toBe('sms');
      const messages = await system.messages();
      expect(messages.map(({ channel }) => channel)).toEqual(['sms']);
      const voice = await app.post('/login/next').send({}).expect(200);
      expect(voice.body.channel).toBe('voice');
      const code = (await system.messages()).at(-1)?.code ?? '';
      expect((await postCode(app, code).expect(200)).body.channel).toBe('voice');
      await system.reset();
    }
  }));

/** A store that fails the next renewal of a session. */
function failingOnce(store: Store): Store & { armed: boolean } {
  const flaky: Store & { armed: boolean } = {
    ...store,
    armed: false,
    replace: (...args) => {
      if (!flaky.armed) return store.replace(...args);
      flaky.armed = false;
      return Promise.reject(new Error('the store failed once'));
    },
  };
  return flaky;
}

test('a session that could not be stored leaves no partial state', async () => {
  const stores: { armed: boolean }[] = [];
  const through = (store: Store) => {
    const flaky = failingOnce(store);
    stores.push(flaky);
    return flaky;
  };
  await withSystem({ through }, async (system) => {
    const { app, code } = await system.walkedLogin();
    for (const store of stores) store.armed = true;
    const answer = await postCode(app, code).expect(500);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(await isAuthenticated(app)).toBe(false);
    expect(await system.redis.keys('sess:*')).toHaveLength(1);
  });
});

test('a logout succeeds if its session ends meanwhile', async () => {
  // Another request ends the session just before this one writes it.
  const through = (store: Store): Store => ({
    ...store,
    replace: async (key, ...args) => {
      if (key.startsWith('sess:')) await store.delete(key);
      return store.replace(key, ...args);
    },
  });
  await withSystem({ through }, async (system) => {
    const app = system.app();
    await begin(app, ALICE).expect(201);
    await app.post('/logout').expect(204);
    expect(await system.redis.keys('sess:*')).toEqual([]);
  });
});

test('a second concurrent logout clears the cookie as well', async () => {
  const through = (store: Store): Store => ({
    ...store,
    delete: async (key) => {
      if (key.startsWith('sess:')) await store.delete(key);
      return store.delete(key);
    },
  });
  await withSystem({ through }, async (system) => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const answer = await app.post('/logout').expect(204);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^sid=;/);
    expect(await isAuthenticated(app)).toBe(false);
  });
});

test('a request that only reloads its session does not overwrite changes of other requests', async () => {
  const held: { work?: () => Promise<unknown>; writes: number } = { writes: 0 };
  const through = (store: Store): Store => ({
    ...store,
    add: async (...args) => {
      const [key] = args;
      const work = key.startsWith('lock:') ? held.work : undefined;
      delete held.work;
      await work?.();
      return store.add(...args);
    },
    replace: (...args) => {
      held.writes++;
      return store.replace(...args);
    },
  });
  await withSystem({ through, env: WITH_CODES }, async (system) => {
    const app = system.app();
    await begin(app, ALICE).expect(201);
    // The login is cancelled after the other request loaded it, and before its reload.
    held.work = () => app.delete('/login').expect(204);
    held.writes = 0;
    expect((await next(app, 'sms').expect(404)).body.error).toBe('no_login');
    expect(held.writes).toBe(1);
  });
});

test('once the login has moved to a message, a silent code is rejected and does not use up a try', () =>
  withSystem({ env: WITH_CODES }, async (system) => {
    const { app, code } = await system.walkedLogin(ALICE);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const calls = (await system.upstream()).length;
    for (let tries = 0; tries < 3; tries += 1)
      expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
    expect(await system.upstream()).toHaveLength(calls);
    const [message] = await system.messages();
    await postCode(app, message?.code ?? 'none came').expect(200);
  }));
