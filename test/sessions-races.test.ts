import { LoginError } from '../src/core/errors.js';
import type { Store } from '../src/store/store.js';
import { createMoment, type Moment } from './support/moment.js';
import { ALICE, postCode, startSystem, withSystem, WITH_CODES, type System } from './support/system.js';

type App = ReturnType<System['app']>;

const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);

const loggedIn = async (system: System, number = ALICE): Promise<App> => {
  // A login that begins in the millisecond of a revocation counts as one that began before.
  system.world.turn(1);
  const { app, code } = await system.walkedLogin(number);
  await postCode(app, code).expect(200);
  return app;
};

describe('a revocation while a login of the same number is under way', () => {
  let system: System;
  let moment: Moment;
  beforeAll(async () => {
    moment = createMoment();
    system = await startSystem({ env: WITH_CODES, through: moment.through });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const lost = async (app: App): Promise<void> => {
    expect(await isAuthenticated(app)).toBe(false);
    await app.get('/login').expect(404);
    expect(await system.redis.keys('sess:*')).toHaveLength(1);
  };

  test.each([
    ['before the login is registered', 'register', 'user:'],
    ['between the registration and the write of the session', 'replace', 'sess:'],
  ] as const)('%s ends the login', async (_when, operation, prefix) => {
    const owner = await loggedIn(system);
    const thief = await system.walkedLogin();
    moment.before(operation, prefix, () => owner.delete('/sessions').expect(204));
    expect((await postCode(thief.app, thief.code).expect(410)).body.error).toBe('login_expired');
    expect(await isAuthenticated(owner)).toBe(true);
    await owner.post('/logout').expect(204);
    expect(await isAuthenticated(thief.app)).toBe(false);
    await thief.app.get('/login').expect(404);
  });

  test('that has read its entries ends a session that is written meanwhile', async () => {
    const owner = await loggedIn(system);
    const thief = await system.walkedLogin();
    let revoked: Promise<unknown> = Promise.resolve();
    // The login is registered; the revocation reads that and waits; the login completes.
    moment.before('replace', 'sess:', async () => {
      await new Promise<void>((isRead) => {
        moment.before('delete', 'sess:', async () => {
          isRead();
          await completed;
        });
        revoked = owner.delete('/sessions').expect(204).then();
      });
    });
    const completed = postCode(thief.app, thief.code).expect(200).then();
    await completed;
    await revoked;
    expect(await isAuthenticated(thief.app)).toBe(false);
    expect(await isAuthenticated(owner)).toBe(true);
  });

  const noMessage = async (app: App): Promise<void> => {
    const { body } = await app.post('/login/next').send({ channel: 'sms' }).expect(410);
    expect(body.error).toBe('login_expired');
    expect(await system.messages()).toEqual([]);
  };

  test('before its code is sent, ends the login, and no message is paid for', async () => {
    const owner = await loggedIn(system);
    const thief = system.app();
    await thief.post('/login').send({ phone_number: ALICE }).expect(201);
    await owner.delete('/sessions').expect(204);
    await noMessage(thief);
    await thief.get('/login').expect(404);
  });

  test('after its code was sent, ends the login by a code', async () => {
    const owner = await loggedIn(system);
    const thief = system.app();
    await thief.post('/login').send({ phone_number: ALICE }).expect(201);
    await system.next(thief, 'sms');
    await owner.delete('/sessions').expect(204);
    const code = (await system.messages()).at(-1)?.code ?? '';
    expect((await postCode(thief, code).expect(410)).body.error).toBe('login_expired');
    expect(await isAuthenticated(thief)).toBe(false);
    await thief.get('/login').expect(404);
  });

  test('leaves a login alone that begins later', async () => {
    const owner = await loggedIn(system);
    await owner.delete('/sessions').expect(204);
    expect(await isAuthenticated(await loggedIn(system))).toBe(true);
  });

  test('ends a new proof in the own session as well, which stays logged in', async () => {
    const owner = await loggedIn(system);
    await owner.post('/login').send({ reauthenticate: true }).expect(201);
    await owner.delete('/sessions').expect(204);
    await noMessage(owner);
    expect((await owner.get('/session')).body).toMatchObject({ channel: 'silent_auth' });
  });

  test('is assumed for a login that is older than the record of a revocation', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    for (let hours = 0; hours < 13; hours++) {
      system.world.turn(3600);
      await app.get('/session').expect(200);
    }
    await noMessage(app);
    expect(await isAuthenticated(app)).toBe(false);
    await lost(app);
  });
});

/** A store that is away for some operations. */
function failing(isAway: (operation: string, key: string) => boolean) {
  return (store: Store): Store =>
    new Proxy(store, {
      get: (target, operation: keyof Store) => {
        const command = (target[operation] as (...args: unknown[]) => Promise<unknown>).bind(target);
        return (...args: unknown[]) =>
          isAway(operation, String(args[0]))
            ? Promise.reject(new LoginError('unavailable', 'Redis did not answer. Try again.'))
            : command(...args);
      },
    });
}

test.each([
  ['closed', 'closeIndex', 'user:', 3],
  ['read', 'get', 'sess:', 3],
  ['ended', 'delete', 'sess:', 3],
  ['forgotten', 'unregister', 'user:', 1],
] as const)(
  'a revocation during which no session can be %s is repeated as a whole',
  async (_what, operation, prefix, left) => {
    let away = false;
    let owners = '';
    const through = failing(
      (each, key) => away && each === operation && key.startsWith(prefix) && key !== owners,
    );
    await withSystem({ through }, async (system) => {
      const owner = await loggedIn(system);
      owners = (await system.redis.keys('sess:*'))[0] ?? '';
      const others = [await loggedIn(system), await loggedIn(system)];
      away = true;
      expect((await owner.delete('/sessions').expect(503)).body.error).toBe('unavailable');
      away = false;
      expect(await system.redis.keys('sess:*')).toHaveLength(left);
      await owner.delete('/sessions').expect(204);
      expect(await Promise.all(others.map(isAuthenticated))).toEqual([false, false]);
      expect(await isAuthenticated(owner)).toBe(true);
      const { body } = await owner.get('/sessions').expect(200);
      expect(body.sessions).toMatchObject([{ current: true }]);
    });
  },
);
