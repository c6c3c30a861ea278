import { ALICE, BOB, postCode, startSystem, WITH_CODES, type System } from './support/system.js';

type App = ReturnType<System['app']>;

interface Listed {
  id: string;
  authenticated_at: string;
  channels: string[];
  last_used_at: string;
  expires_at: string;
  current: boolean;
}

const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);
const listOf = async (app: App) => (await app.get('/sessions').expect(200)).body.sessions as Listed[];

describe.each(['redis', 'memory'] as const)('the sessions of a user on the %s store', (store) => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ store, env: { ...WITH_CODES, MAX_SESSIONS: '3' } })));
  beforeEach(async () => {
    // The memory store is emptied by the end of the longest session.
    system.world.turn(12 * 3600);
    await system.reset();
  });
  afterAll(() => system.stop());

  const logIn = async (phoneNumber = ALICE): Promise<App> => {
    // A login that begins in the millisecond of a revocation counts as one that began before.
    system.world.turn(1);
    const { app, code } = await system.walkedLogin(phoneNumber);
    await postCode(app, code).expect(200);
    return app;
  };

  test('are listed with their times and channels, the newest first, without those of another number', async () => {
    const bob = await logIn(BOB);
    const first = await logIn();
    const at = system.world.now();
    const second = await logIn();
    const found = await listOf(first);
    expect(found.map(({ current }) => current)).toEqual([false, true]);
    expect(found[1]).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      authenticated_at: new Date(at).toISOString(),
      channels: ['silent_auth'],
      last_used_at: new Date(at + 1000).toISOString(),
      expires_at: new Date(at + 1_801_000).toISOString(),
      current: true,
    });
    expect((await listOf(second)).map(({ id }) => id)).toEqual(found.map(({ id }) => id));
    expect(await listOf(bob)).toMatchObject([{ current: true }]);
  });

  test('are for logged-in sessions alone', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    const bodies = await Promise.all(
      [app.get('/sessions'), app.delete('/sessions'), app.delete('/sessions/x')].map(async (request) => {
        const { status, body } = await request;
        return [status, body.error];
      }),
    );
    expect(bodies).toEqual(Array(3).fill([401, 'not_authenticated']));
  });

  test('one ends by its id, and every cookie of it', async () => {
    const [stolen, owner] = [await logIn(), await logIn()];
    const { id } = (await listOf(owner)).find(({ current }) => !current) as Listed;
    await owner.delete(`/sessions/${id}`).expect(204);
    expect(await isAuthenticated(stolen)).toBe(false);
    expect(await listOf(owner)).toHaveLength(1);
    await owner.delete(`/sessions/${id}`).expect(404);
  });

  test('of another user are answered like unknown ones, and go on', async () => {
    const [alice, bob] = [await logIn(), await logIn(BOB)];
    const [{ id }] = (await listOf(bob)) as [Listed];
    const bodies = await Promise.all(
      [id, 'A'.repeat(22), 'closed', 'x'].map(async (each) => {
        const { body } = await alice.delete(`/sessions/${each}`).expect(404);
        return { ...body, instance: '' };
      }),
    );
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ error: 'not_found' });
    expect(await isAuthenticated(bob)).toBe(true);
  });

  test('the own one ends by its id like in a logout', async () => {
    const app = await logIn();
    const [{ id }] = (await listOf(app)) as [Listed];
    const ended = await app.delete(`/sessions/${id}`).expect(204);
    expect(ended.headers['set-cookie']?.[0]).toMatch(/^sid=;/);
    expect(await isAuthenticated(app)).toBe(false);
  });

  test('all others end, and this one goes on', async () => {
    const [one, two, own, bob] = [await logIn(), await logIn(), await logIn(), await logIn(BOB)];
    const answer = await own.delete('/sessions').expect(204);
    expect(answer.headers['set-cookie']).toBeUndefined();
    const states = await Promise.all([one, two, own, bob].map(isAuthenticated));
    expect(states).toEqual([false, false, true, true]);
    expect(await listOf(own)).toMatchObject([{ current: true }]);
  });

  test('all end with ?all=true, this one too', async () => {
    const [other, own] = [await logIn(), await logIn()];
    const answer = await own.delete('/sessions?all=true').expect(204);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^sid=;/);
    expect(await Promise.all([other, own].map(isAuthenticated))).toEqual([false, false]);
  });

  test.each(['?all=false', '?all', '?all=true&all=true', '?all=true&x=1', '?x=1'])(
    'none ends with the query %s',
    async (query) => {
      const [other, own] = [await logIn(), await logIn()];
      await own.delete(`/sessions${query}`).expect(400);
      expect(await Promise.all([other, own].map(isAuthenticated))).toEqual([true, true]);
    },
  );

  test('none ends by a page of another origin, or by another method', async () => {
    const [other, own] = [await logIn(), await logIn()];
    const [{ id }] = (await listOf(own)) as [Listed];
    for (const path of ['/sessions', `/sessions/${id}`]) {
      await own.delete(path).set('origin', 'https://evil.example').expect(403);
      await own.delete(path).set('sec-fetch-site', 'cross-site').expect(403);
      await own.post(path).send({}).expect(405);
    }
    expect(await Promise.all([other, own].map(isAuthenticated))).toEqual([true, true]);
  });

  test('beyond MAX_SESSIONS the oldest that lives ends, whatever sessions have ended before', async () => {
    const first = await logIn();
    const second = await logIn();
    for (let times = 0; times < 4; times++) await (await logIn()).post('/logout').expect(204);
    const third = await logIn();
    expect(await Promise.all([first, second, third].map(isAuthenticated))).toEqual([true, true, true]);
    const fourth = await logIn();
    const states = await Promise.all([first, second, third, fourth].map(isAuthenticated));
    expect(states).toEqual([false, true, true, true]);
    expect(await listOf(fourth)).toHaveLength(3);
  });

  test('that became one of another number belongs to that number alone', async () => {
    const [shared, alice] = [await logIn(), await logIn()];
    const begun = await shared.post('/login').send({ phone_number: BOB }).expect(201);
    const [, ids] = [begun, (await listOf(alice)).map(({ id }) => id)];
    expect(ids).toHaveLength(2);
    await system.next(shared, 'sms');
    await postCode(shared, (await system.messages()).at(-1)?.code ?? '').expect(200);
    expect(await listOf(alice)).toHaveLength(1);
    await alice.delete('/sessions').expect(204);
    for (const id of ids.slice(1)) await alice.delete(`/sessions/${id}`).expect(404);
    expect((await shared.get('/session')).body).toMatchObject({ authenticated: true, phone_number: BOB });
    expect((await listOf(shared)).map(({ channels }) => channels)).toEqual([['sms']]);
  });
});
