import type { Hooks } from '../src/login/hooks.js';
import type { Store } from '../src/store/store.js';
import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  startSystem,
  postCode,
  withSystem,
  type System,
  CHAINED,
  WITH_CODES,
} from './support/system.js';
import { createMoment, type Moment } from './support/moment.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;
const begin = (app: App, phoneNumber = ALICE) =>
  app.post('/login').send({ phone_number: phoneNumber }).expect(201);
const next = (app: App, channel = 'sms') => app.post('/login/next').send({ channel });
const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);
const lastCode = async (system: System) => (await system.messages()).at(-1)?.code ?? '';

/** How a login gets a correct code. */
const PROOFS = [
  ...['network-enablement', 'oidc', 'camara', 'verify'].map((engine) => ({ engine, channel: 'silent_auth' })),
  ...['network-enablement', 'oidc', 'camara', 'verify', 'off'].flatMap((engine) =>
    ['sms', 'voice'].map((channel) => ({ engine, channel })),
  ),
];

describe.each(PROOFS)('a correct code by $channel with SILENT_AUTH=$engine', ({ engine, channel }) => {
  let system: System;
  let moment: Moment;
  beforeAll(async () => {
    moment = createMoment();
    system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine }, through: moment.through });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const proven = async () => {
    const app = system.app();
    const begun = await begin(app);
    if (channel !== 'silent_auth') {
      await system.next(app, channel);
      return { app, code: await lastCode(system) };
    }
    return { app, code: String((await walk(begun.body.auth_url)).json?.['code']) };
  };

  test.each<[string, (app: App) => Promise<unknown>, object]>([
    ['cancelled', (app) => app.delete('/login').expect(204), { error: 'no_login' }],
    ['replaced by another one', (app) => begin(app, BOB), { status: 'pending' }],
    ['ended by a logout', (app) => app.post('/logout').expect(204), { error: 'no_login' }],
  ])('a login that was %s while its code was checked does not log in', async (_what, leave, then) => {
    const { app, code } = await proven();
    const isOurs = channel === 'silent_auth' && engine !== 'verify';
    // The code is spent or counted before Vonage or the operator is asked.
    if (isOurs) moment.before('take', 'code:', () => leave(app));
    else moment.before('increment', 'limit:otp:', () => leave(app));
    expect((await postCode(app, code).expect(410)).body.error).toBe('login_expired');
    expect(await isAuthenticated(app)).toBe(false);
    expect((await app.get('/login')).body).toMatchObject(then);
  });
});

/** The state of `/login/next` when the hook answers. */
const MOMENTS: [string, (moment: Moment, work: () => unknown) => void][] = [
  [
    'which it just took',
    (moment, work) =>
      moment.before('add', 'lock:', () => {
        moment.before('get', 'sess:', work);
      }),
  ],
  [
    'and has read the login',
    (moment, work) =>
      moment.before('add', 'lock:', () => {
        moment.before('spend', 'limit:', work);
      }),
  ],
];

describe.each(['network-enablement', 'verify'])('the answer of a hook with SILENT_AUTH=%s', (engine) => {
  let system: System;
  let moment: Moment;
  let rule: Hooks['beforeSession'];
  beforeAll(async () => {
    moment = createMoment();
    const hooks: Hooks = { beforeSession: (login) => rule?.(login) };
    const env = { ...WITH_CODES, SILENT_AUTH: engine };
    system = await startSystem({ env, hooks, through: moment.through });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each(MOMENTS)('a step-up is not lost while /login/next holds the lock, %s', async (_what, at) => {
    rule = ({ channels }) => (channels.length > 1 ? { allow: true } : { stepUp: true });
    const { app, code } = await system.walkedLogin();
    const said: unknown[] = [];
    at(moment, async () => said.push((await postCode(app, code)).body.error));
    await next(app);
    expect(said).toEqual(['step_up_required']);
    await system.next(app, 'sms');
    expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms']);
    await postCode(app, await lastCode(system)).expect(200);
    expect((await app.get('/session')).body).toMatchObject({ channels: ['silent_auth', 'sms'] });
  });

  test.each(
    MOMENTS.flatMap(([what, at]) =>
      (
        [
          ['a refusal', () => ({ refuse: true }), 'login_refused'],
          ['a failure', () => Promise.reject(new Error()), 'unavailable'],
        ] as [string, NonNullable<Hooks['beforeSession']>, string][]
      ).map(([kind, answer, error]) => ({ what, at, kind, answer, error })),
    ),
  )('$kind is not lost while /login/next holds the lock, $what', async ({ at, answer, error }) => {
    rule = answer;
    const { app, code } = await system.walkedLogin();
    const said: unknown[] = [];
    at(moment, async () => said.push((await postCode(app, code)).body.error));
    expect((await next(app)).status).toBeGreaterThanOrEqual(400);
    expect(said).toEqual([error]);
    expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
    expect((await next(app).expect(409)).body.error).toBe('no_more_channels');
    rule = undefined;
    await postCode(app, await lastCode(system)).expect(400);
    expect(await isAuthenticated(app)).toBe(false);
    // The verification of a login that ended meanwhile is cancelled.
    system.world.turn(31);
    const calls = async () => system.upstream();
    const started = (await calls()).filter(({ path, method }) => method === 'POST' && path === '/v2/verify');
    if (engine === 'network-enablement' && started.length > 0)
      await until(async () => (await calls()).some(({ method }) => method === 'DELETE'));
  });

  test('a refusal of the SIM ends the login even after a /login/next meanwhile', async () => {
    const { app, code } = await system.walkedLogin();
    rule = async () => {
      await next(app);
      return { refuse: true };
    };
    expect((await postCode(app, code).expect(403)).body.error).toBe('login_refused');
    rule = undefined;
    expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
    await postCode(app, await lastCode(system)).expect(400);
    expect(await isAuthenticated(app)).toBe(false);
  });

  test('a login that was refused meanwhile does not log in', async () => {
    // Two correct codes of one login: that of its SIM, then that of its SMS.
    rule = ({ channel }) => (channel === 'sms' ? { refuse: true } : { allow: true });
    const { app, code } = await system.walkedLogin();
    const refuse = async () => {
      await system.next(app, 'sms');
      await postCode(app, await lastCode(system)).expect(403);
    };
    if (engine === 'verify') moment.before('increment', 'limit:otp:', refuse);
    else moment.before('take', 'code:', refuse);
    expect((await postCode(app, code)).status).toBeGreaterThanOrEqual(400);
    expect(await isAuthenticated(app)).toBe(false);
    expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
  });

  test('a step-up of a login that was cancelled meanwhile has no effect', async () => {
    const { app, code } = await system.walkedLogin();
    rule = async () => {
      await app.delete('/login').expect(204);
      return { stepUp: true };
    };
    expect((await postCode(app, code).expect(410)).body.error).toBe('login_expired');
    await app.get('/login').expect(404);
  });
});

describe.each(['redis', 'memory'] as const)('on the %s store', (store) => {
  let system: System;
  let moment: Moment;
  beforeAll(async () => {
    moment = createMoment();
    const env = { ...WITH_CODES, SILENT_AUTH: 'verify' };
    system = await startSystem({ store, env, through: moment.through });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  /** Moves to an SMS, and runs `work` while the lock is held. @returns the key of the lock */
  const whileMoved = async (app: App, work: (lock: string) => unknown) => {
    let lock = '';
    moment.before('add', 'lock:', (key) => {
      lock = key;
      moment.before('spend', 'limit:', () => work(key));
    });
    const answer = await next(app);
    return { lock, answer };
  };

  test('the lock of a login is released only by its holder', async () => {
    const app = system.app();
    await begin(app);
    system.world.turn(30);
    // Simulates that the lock of the first holder expired and a second one took it.
    const { lock, answer } = await whileMoved(app, (key) => system.store.set(key, 'another holder', 60));
    expect(answer.status).toBe(200);
    expect(await system.store.get(lock)).toBe('another holder');
    expect((await next(app, 'voice').expect(409)).body.error).toBe('login_in_progress');
    await system.store.delete(lock);
    await system.next(app, 'voice');
    expect(await system.store.get(lock)).toBeNull();
  });

  test('the lock of a webhook report is released only by its holder', async () => {
    const noted = new Promise<string>((resolve) => {
      moment.before('set', 'verify:', async (key) => {
        const lock = `lock:${key.slice('verify:'.length)}`;
        await system.store.set(lock, 'another holder', 60);
        // The report of a webhook is stored once the lock is free.
        moment.before('set', 'jti:', () => resolve(lock));
      });
    });
    // Its silent step fails at Vonage, which reports it by webhook.
    await system.walkedLogin('+447700900103');
    expect(await system.store.get(await noted)).toBe('another holder');
  });
});

/** Seconds that a change of channel takes if each of its calls and commands takes its timeout. */
const LONGEST_WORK = 40;

test('the lock of a login lasts longer than the longest work under it', async () => {
  const moment = createMoment();
  await withSystem({ env: WITH_CODES, through: moment.through }, async (system) => {
    const app = system.app();
    await begin(app);
    let life = 0;
    moment.before('add', 'lock:', (key) => {
      const addedAt = performance.now();
      moment.before('spend', 'limit:', async () => {
        life = (await system.redis.ttl(key)) + (performance.now() - addedAt) / 1000;
      });
    });
    await system.next(app, 'sms');
    expect(life).toBeGreaterThanOrEqual(LONGEST_WORK);
  });
  await withSystem({ env: WITH_CODES, store: 'memory', through: moment.through }, async (system) => {
    const app = system.app();
    await begin(app);
    moment.before('add', 'lock:', () =>
      moment.before('spend', 'limit:', async () => {
        system.world.turn(LONGEST_WORK);
        expect((await next(app).expect(409)).body.error).toBe('login_in_progress');
      }),
    );
    await system.next(app, 'sms');
    expect(await system.messages()).toHaveLength(1);
  });
});

/** A store that returns the old value for the next read of a webhook report. */
function behindOnce(): { through: (store: Store) => Store; isBehind: boolean; reads: number } {
  const state = {
    isBehind: false,
    reads: 0,
    through: (store: Store): Store => ({
      ...store,
      get: async (key) => {
        if (!key.startsWith('verify:') || key.startsWith('verify:live:')) return store.get(key);
        state.reads += 1;
        const value = state.isBehind ? null : await store.get(key);
        state.isBehind = false;
        return value;
      },
    }),
  };
  return state;
}

test('an answer uses one reading of the progress, even if a webhook arrives meanwhile', async () => {
  const reports = behindOnce();
  await withSystem({ env: CHAINED, through: reports.through }, async (system) => {
    const app = system.app();
    reports.reads = 0;
    const begun = await begin(app, '+447700900103');
    expect(reports.reads).toBe(1);
    await walk(begun.body.auth_url);
    await until(async () => (await app.get('/login')).body.channel === 'sms');

    const after = (await app.get('/login')).body as Record<string, unknown>;
    Object.assign(reports, { isBehind: true, reads: 0 });
    const before = (await app.get('/login')).body as Record<string, unknown>;
    expect(reports.reads).toBe(1);
    expect(before).toMatchObject({ channel: 'silent_auth', auth_url: begun.body.auth_url });
    expect(before).not.toHaveProperty('code_length');
    expect(before['next_channels']).toEqual(['sms', 'voice']);
    expect(after).toMatchObject({ channel: 'sms', code_length: 6, next_channels: ['voice'] });
    expect(after).not.toHaveProperty('auth_url');

    // The same session reuses its verification at its current step.
    Object.assign(reports, { isBehind: true, reads: 0 });
    const again = await begin(app, '+447700900103');
    expect(reports.reads).toBe(1);
    expect(again.body.auth_url === null).toBe(again.body.channel !== 'silent_auth');

    reports.reads = 0;
    const moved = await system.next(app, 'sms');
    expect(moved.body).toMatchObject({ channel: 'sms', auth_url: null, next_channels: ['voice'] });
    // One read decides, and one is reported.
    expect(reports.reads).toBe(2);
  });
});
