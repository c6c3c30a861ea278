import { newSecret } from './support/credentials.js';
import { ASSERTIONS } from './support/assertions.js';
import { withMounted } from './support/mounted.js';
import {
  ALICE,
  BOB,
  postCode,
  redisUrlOfWorker,
  startSystem,
  withSystem,
  type System,
} from './support/system.js';

type App = ReturnType<System['app']>;

const isAuthenticated = async (app: App, at = '') =>
  Boolean((await app.get(`${at}/session`)).body.authenticated);

describe('two servers on one Redis', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ servers: 2, env: ASSERTIONS })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const logIn = async (phoneNumber = ALICE) => {
    system.world.turn(1);
    const { app, code } = await system.walkedLogin(phoneNumber);
    const { headers } = await postCode(app, code).expect(200);
    const [cookie = ''] = (headers['set-cookie'] as unknown as string[]).map((each) => each.split(';')[0]);
    return { app, cookie };
  };

  test.each(['/sessions', '/sessions/:id'])(
    'refuse a stolen cookie at once, assertions included, after DELETE %s at one of them',
    async (path) => {
      const [stolen, owner, bob] = [await logIn(), await logIn(), await logIn(BOB)];
      const usesOfThief = async () => {
        const uses: unknown[] = [];
        for (const server of [0, 1]) {
          system.sendTo(server);
          const thief = system.app().set('cookie', stolen.cookie);
          uses.push((await thief.get('/session')).body.authenticated);
          uses.push((await thief.post('/session/assertion').send({})).status);
        }
        return uses;
      };
      expect(await usesOfThief()).toEqual([true, 200, true, 200]);
      const { body } = await owner.app.get('/sessions').expect(200);
      const found = body.sessions as { id: string; current: boolean }[];
      const id = found.find(({ current }) => !current)?.id ?? '';
      system.sendTo(0);
      await owner.app.delete(path.replace(':id', id)).expect(204);
      expect(await usesOfThief()).toEqual([false, 401, false, 401]);
      expect(await isAuthenticated(owner.app)).toBe(true);
      expect(await isAuthenticated(bob.app)).toBe(true);
    },
  );
});

test('sessions are found after SESSION_SECRET was rotated, under their old name', async () => {
  const [old, fresh] = [newSecret(), newSecret()];
  const through = { env: { SESSION_SECRET: old } };
  await withSystem(through, async (before) => {
    const { app, code } = await before.walkedLogin();
    await postCode(app, code).expect(200);
    const own = { redisUrl: redisUrlOfWorker(), emptied: false };
    await withSystem({ ...own, env: { SESSION_SECRET: `${fresh},${old}` } }, async (after) => {
      after.world.turn(1);
      const next = await after.walkedLogin();
      await postCode(next.app, next.code).expect(200);
      const { body } = await next.app.get('/sessions').expect(200);
      expect(body.sessions).toHaveLength(2);
      await next.app.delete('/sessions').expect(204);
    });
    expect(await isAuthenticated(app)).toBe(false);
  });
});

test('MAX_SESSIONS counts sessions from before a rotation of SESSION_SECRET', async () => {
  const [old, fresh] = [newSecret(), newSecret()];
  await withSystem({ env: { SESSION_SECRET: old, MAX_SESSIONS: '2' } }, async (before) => {
    const apps: App[] = [];
    const logInBy = async (system: System) => {
      before.world.turn(1);
      system.world.turn(1);
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      apps.push(app);
    };
    await logInBy(before);
    await logInBy(before);
    const env = { SESSION_SECRET: `${fresh},${old}`, MAX_SESSIONS: '2' };
    await withSystem({ redisUrl: redisUrlOfWorker(), emptied: false, env }, async (after) => {
      after.world.turn(2);
      await logInBy(after);
      expect(await Promise.all(apps.map((app) => isAuthenticated(app)))).toEqual([false, true, true]);
    });
  });
});

test('Redis has neither the number nor the handle of a session in its index', () =>
  withSystem({}, async (system) => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const [index = ''] = await system.redis.keys('user:*');
    const [session = ''] = await system.redis.keys('sess:*');
    const stored = JSON.stringify([index, await system.redis.hgetall(index)]);
    expect(stored).not.toContain(ALICE.slice(3));
    expect(stored).not.toContain(session.slice('sess:'.length));
    expect(await system.redis.ttl(index)).toBeGreaterThan(12 * 3600 - 10);
    // Copied to the index of another number, an entry is of no use.
    const bob = await system.walkedLogin('+447700900001');
    await postCode(bob.app, bob.code).expect(200);
    const other = (await system.redis.keys('user:*')).find((key) => key !== index) ?? '';
    const [[id, value]] = Object.entries(await system.redis.hgetall(index)) as [[string, string]];
    await system.redis.hset(other, id, value);
    await bob.app.delete(`/sessions/${id}`).expect(404);
    expect(await isAuthenticated(app)).toBe(true);
  }));

describe.each(['host', 'own'] as const)('routes in an app, with session: %s', (session) => {
  test('list and end the sessions of a user', () =>
    withMounted(
      {
        options: (redis) => ({ session, redis }),
        ...(session === 'own' && { compose: (app, silentAuth) => void app.use('/auth', silentAuth) }),
      },
      async (mounted) => {
        const [other, own] = [mounted.agent(), mounted.agent()];
        for (const app of [other, own]) {
          mounted.world.turn(1);
          await mounted.logIn(app);
        }
        const { body } = await own.get('/auth/sessions').expect(200);
        const listed = body.sessions as { id: string; current: boolean }[];
        expect(listed.map(({ current }) => current)).toEqual([true, false]);
        await own.delete(`/auth/sessions/${listed[1]?.id}`).expect(204);
        expect(await Promise.all([other, own].map((app) => isAuthenticated(app, '/auth')))).toEqual([
          false,
          true,
        ]);
        await own.delete('/auth/sessions?all=true').expect(204);
        expect(await isAuthenticated(own, '/auth')).toBe(false);
        await own.get('/auth/sessions').expect(401);

        await mounted.logIn(other);
        expect(await mounted.silentAuth.endSessions(ALICE)).toBe(1);
        expect(await isAuthenticated(other, '/auth')).toBe(false);
        expect(await mounted.silentAuth.endSessions(ALICE)).toBe(0);
        await expect(mounted.silentAuth.endSessions('07700900000')).rejects.toThrow(RangeError);
      },
    ));
});
