import type { AuthEvent, Hooks } from '../src/login/hooks.js';
import { newSecret } from './support/credentials.js';
import { FAILING } from './support/hooks.js';
import {
  ALICE,
  BOB,
  postCode,
  redisUrlOfWorker,
  startSystem,
  withSystem,
  WITH_CODES,
  type System,
} from './support/system.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;

let system: System;
let hooks: Hooks;
const events: AuthEvent[] = [];
const record = (event: AuthEvent) => void events.push(event);

beforeAll(async () => {
  system = await startSystem({
    env: { ...WITH_CODES, MAX_SESSIONS: '2' },
    hooks: {
      beforeLogin: (login) => hooks.beforeLogin?.(login),
      beforeSession: (login) => hooks.beforeSession?.(login),
      onEvent: (event) => hooks.onEvent?.(event),
    },
  });
});
beforeEach(async () => {
  await system.reset();
  events.length = 0;
  hooks = { onEvent: record };
});
afterAll(() => system.stop());

const logIn = async (phoneNumber = ALICE): Promise<App> => {
  system.world.turn(1);
  const { app, code } = await system.walkedLogin(phoneNumber);
  await postCode(app, code).expect(200);
  return app;
};
const idsOf = async (app: App): Promise<string[]> =>
  ((await app.get('/sessions').expect(200)).body.sessions as { id: string }[]).map(({ id }) => id);

describe('the hook onEvent', () => {
  test('gets a login with its channels and its session, frozen', async () => {
    const { app, code } = await system.walkedLogin();
    const { headers } = await postCode(app, code).expect(200);
    const { body } = await app.get('/login');
    expect(events).toEqual([
      {
        ...{ type: 'login', phoneNumber: ALICE, channels: ['silent_auth'], at: system.world.now() },
        ...{
          reauthenticated: false,
          sessionId: (await idsOf(app))[0],
          loginId: body.login_id,
          requestId: headers['x-request-id'],
        },
      },
    ]);
    expect(Object.isFrozen(events[0])).toBe(true);
    await app.post('/login').send({ reauthenticate: true }).expect(201);
    await system.next(app, 'sms');
    await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    expect(events.slice(1)).toMatchObject([{ type: 'login', reauthenticated: true, channels: ['sms'] }]);
  });

  test('gets the sessions that a user ends, by their ids', async () => {
    const [, own] = [await logIn(), await logIn()];
    const [ownId, otherId] = await idsOf(own);
    await own.delete('/sessions').expect(204);
    expect(events.at(-1)).toMatchObject({ type: 'session_revoked', by: 'user', sessionIds: [otherId] });
    await own.delete('/sessions').expect(204);
    expect(events).toHaveLength(3);
    await own.delete('/sessions?all=true').expect(204);
    expect(events.at(-1)).toMatchObject({ by: 'user', sessionIds: [ownId], phoneNumber: ALICE });
  });

  test('gets one session that a user ends, and the oldest beyond MAX_SESSIONS', async () => {
    const [first, second] = [await logIn(), await logIn()];
    const [, firstId] = await idsOf(first);
    await logIn();
    expect(events.slice(-2)).toMatchObject([
      { type: 'login' },
      { type: 'session_revoked', by: 'limit', sessionIds: [firstId] },
    ]);
    const [newest] = await idsOf(second);
    await second.delete(`/sessions/${newest}`).expect(204);
    expect(events.at(-1)).toMatchObject({ type: 'session_revoked', by: 'user', sessionIds: [newest] });
  });

  test('gets a session that several requests end at once, once', async () => {
    const [, own] = [await logIn(), await logIn()];
    const [, otherId] = await idsOf(own);
    const answers = await Promise.all([1, 2, 3].map(() => own.delete(`/sessions/${otherId}`)));
    for (const { status } of answers) expect([204, 404]).toContain(status);
    expect(events.filter(({ type }) => type === 'session_revoked')).toMatchObject([
      { sessionIds: [otherId] },
    ]);
  });

  test.each(['/sessions?all=true', '/sessions/:id'])(
    'gets the session that several of its own requests end at once by %s, once',
    async (path) => {
      const own = await logIn();
      const [id = ''] = await idsOf(own);
      await Promise.all([1, 2, 3].map(() => own.delete(path.replace(':id', id))));
      expect(events.slice(1)).toMatchObject([{ type: 'session_revoked', sessionIds: [id] }]);
      expect(events).toHaveLength(2);
    },
  );

  test.each<[string, Hooks]>([
    ['beforeLogin', { beforeLogin: () => ({ refuse: true }) }],
    ['beforeSession', { beforeSession: () => ({ refuse: true }) }],
  ])('gets a login that %s refused, once', async (_name, refusing) => {
    hooks = { ...hooks, ...refusing };
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE });
    if (begun.status === 201) {
      await system.next(app, 'sms');
      const code = (await system.messages()).at(-1)?.code ?? '';
      await postCode(app, code).expect(403);
      await postCode(app, code).expect(400);
    }
    expect(events).toEqual([
      {
        ...{ type: 'login_refused', reason: 'login_refused', phoneNumber: ALICE },
        ...{ loginId: expect.any(String), requestId: expect.any(String), at: system.world.now() },
      },
    ]);
  });

  test('gets another SIM and too many wrong codes as refusals, once', async () => {
    const other = await system.walkedLogin('+447700900101');
    await postCode(other.app, other.code).expect(200);
    const app = system.app();
    await app.post('/login').send({ phone_number: BOB }).expect(201);
    await system.next(app, 'sms');
    const wrong = (await system.messages()).at(-1)?.code === '000000' ? '111111' : '000000';
    for (let tries = 0; tries < 5; tries++) await postCode(app, wrong);
    expect(events.map((event) => [event.type, event.phoneNumber, 'reason' in event && event.reason])).toEqual(
      [
        ['login_refused', '+447700900101', 'number_mismatch'],
        ['login_refused', BOB, 'too_many_attempts'],
      ],
    );
  });

  test.each(FAILING)('changes nothing if it answers with %s', async (_what, onEvent) => {
    hooks = { onEvent: onEvent };
    const app = await logIn();
    await app.delete('/sessions?all=true').expect(204);
    expect(system.world.logged()).not.toContain(ALICE);
  });

  test('is not waited for, and its failure is logged', async () => {
    hooks = { onEvent: () => new Promise(() => undefined) };
    await logIn();
    hooks = { onEvent: () => Promise.reject(new TypeError(`about ${ALICE}`)) };
    await logIn();
    const lines = () => system.world.logged().split('\n');
    const failed = () => lines().find((each) => each.includes('TypeError'));
    await until(() => Promise.resolve(failed() !== undefined));
    expect(failed()).toContain('"event":"login","hook":"onEvent","why":"it threw","cause":"TypeError"');
  });
});

test('the hook onEvent gets the id that GET /sessions lists, also after SESSION_SECRET was rotated', async () => {
  const [old, fresh] = [newSecret(), newSecret()];
  const told: AuthEvent[] = [];
  await withSystem({ env: { SESSION_SECRET: old } }, async (before) => {
    const { app, code } = await before.walkedLogin();
    const { headers } = await postCode(app, code).expect(200);
    const [cookie = ''] = (headers['set-cookie'] as unknown as string[]).map((each) => each.split(';')[0]);
    const options = {
      ...{ redisUrl: redisUrlOfWorker(), emptied: false, env: { SESSION_SECRET: `${fresh},${old}` } },
      hooks: { onEvent: (event: AuthEvent) => void told.push(event) },
    };
    await withSystem(options, async (after) => {
      const own = after.app().set('cookie', cookie);
      const ids = await idsOf(own);
      await own.delete('/sessions?all=true').expect(204);
      expect(told).toMatchObject([{ type: 'session_revoked', sessionIds: ids }]);
    });
  });
});

test('the hook onEvent gets a login that a SIM swap ended, by its message or by its SIM, once', async () => {
  const received: AuthEvent[] = [];
  const options = {
    env: { ...WITH_CODES, SIM_SWAP_HOURS: '72' },
    hooks: { onEvent: (event: AuthEvent) => void received.push(event) },
  };
  await withSystem(options, async (swapping) => {
    const swapped = '+447700900116';
    const app = swapping.app();
    await app.post('/login').send({ phone_number: swapped }).expect(201);
    for (let times = 0; times < 2; times++) await app.post('/login/next').send({ channel: 'sms' });
    const silent = await swapping.walkedLogin(swapped);
    await postCode(silent.app, silent.code).expect(403);
    expect(received).toMatchObject([
      { type: 'login_refused', reason: 'login_refused', phoneNumber: swapped },
      { type: 'login_refused', reason: 'login_refused', phoneNumber: swapped },
    ]);
    expect(received).toHaveLength(2);
  });
});
