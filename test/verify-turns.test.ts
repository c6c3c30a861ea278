import type supertest from 'supertest';
import { walk } from './support/device.js';
import { ALICE, WITH_CODES, postCode, startSystem, withSystem, type System } from './support/system.js';

type App = ReturnType<System['app']>;
type Answer = supertest.Response;

const OWNER = '203.0.113.7';
const STRANGER = '198.51.100.9';

/** An app at an address, which asks again after the seconds that a 409 says. */
function clientAt(system: System, address: string, pass: (seconds: number) => Promise<void>) {
  const app = system.app();
  const post = (path: string, body: object) => app.post(path).set('X-Forwarded-For', address).send(body);
  const patiently = async (path: string, body: object): Promise<Answer> => {
    for (;;) {
      const answer = await post(path, body);
      if (answer.status !== 409) return answer;
      expect(answer.body).toMatchObject({ error: 'login_in_progress', retry_after: expect.any(Number) });
      await pass(Number(answer.body.retry_after));
    }
  };
  return { app, post, patiently };
}

const noWait = () => Promise.resolve();

/** A clock that plays `every30` at each half minute, before all others. */
function clock(system: System, every30: () => Promise<unknown> = noWait) {
  let seconds = 0;
  return {
    seconds: () => seconds,
    pass: async (more: number): Promise<void> => {
      for (let each = 0; each < more; each++) {
        system.world.turn(1);
        if (++seconds % 30 === 0) await every30();
      }
    },
  };
}

/** Logs the owner in: silently where the engine is silent, else by SMS. @returns the channel */
async function logIn(
  system: System,
  { app, patiently }: ReturnType<typeof clientAt>,
  engine: string,
): Promise<string> {
  const begun = await patiently('/login', { phone_number: ALICE });
  expect(begun.status).toBe(201);
  const link = begun.body.auth_url as string | null;
  if (engine === 'verify' && link !== null) {
    await postCode(app, String((await walk(link)).json?.['code'])).expect(200);
  } else {
    const moved = await patiently('/login/next', { channel: 'sms' });
    expect([moved.status, moved.body.sent]).toEqual([200, true]);
    await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
  }
  return String((await app.get('/session')).body.channel);
}

/** What another client did with the number before, and does every 30 seconds. */
const OTHERS: [string, string, { repeats: boolean; fresh: boolean }][] = [
  ['after a client of the same address lost its cookies', OWNER, { repeats: false, fresh: true }],
  ['after another client began', STRANGER, { repeats: false, fresh: true }],
  ['although a session begins again every 30 seconds', STRANGER, { repeats: true, fresh: false }],
  [
    'although a client without cookies begins again every 30 seconds',
    STRANGER,
    { repeats: true, fresh: true },
  ],
  [
    'although a session at the same address begins again every 30 seconds',
    OWNER,
    { repeats: true, fresh: false },
  ],
];

describe.each(['network-enablement', 'oidc', 'verify', 'off'])('with SILENT_AUTH=%s', (engine) => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine, TRUST_PROXY: '1' } });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const channel = engine === 'verify' ? 'silent_auth' : 'sms';
  const startsOf = async () =>
    (await system.upstream()).filter(
      ({ method, path, status }) => method === 'POST' && path === '/v2/verify' && status === 202,
    );

  test.each(OTHERS)(
    'the owner is logged in within 35 seconds %s',
    async (_what, address, { repeats, fresh }) => {
      let other = clientAt(system, address, noWait);
      const begin = async () => {
        if (fresh) other = clientAt(system, address, noWait);
        await other.post('/login', { phone_number: ALICE });
        if (engine !== 'verify') await other.post('/login/next', { channel: 'sms' });
      };
      const time = clock(system, repeats ? begin : undefined);
      await begin();
      await time.pass(5);
      const owner = clientAt(system, OWNER, time.pass);
      expect(await logIn(system, owner, engine)).toBe(channel);
      expect(time.seconds()).toBeLessThanOrEqual(35);
      expect(await startsOf()).toHaveLength(2);
    },
  );

  test('two browsers of one owner both log in, one after the other', async () => {
    const time = clock(system);
    for (let each = 0; each < 2; each++)
      expect(await logIn(system, clientAt(system, OWNER, time.pass), engine)).toBe(channel);
    expect(time.seconds()).toBe(0);
  });
});

describe('a verification that takes the place of another', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off' } })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const begin = async (): Promise<App> => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    return app;
  };
  const next = (app: App, body: object = { channel: 'sms' }) => app.post('/login/next').send(body);
  const lastCode = async () => (await system.messages()).at(-1)?.code ?? '';

  test('is told the seconds until then, and makes the code of the former one worthless everywhere', async () => {
    const [former, later] = [await begin(), await begin()];
    await next(former).expect(200);
    const code = await lastCode();
    for (const [seconds, left] of [
      [0, 30],
      [10, 20],
      [19.5, 1],
    ] as const) {
      system.world.turn(seconds);
      const refused = await next(later).expect(409);
      expect([refused.body.retry_after, refused.headers['retry-after']]).toEqual([left, `${left}`]);
    }
    system.world.turn(0.5);
    expect((await next(later).expect(200)).body).toMatchObject({ channel: 'sms', sent: true });
    expect(await lastCode()).not.toBe(code);
    await postCode(later, code).expect(400);
    expect((await postCode(former, code).expect(410)).body.error).toBe('login_expired');
    // Not "unreachable": the server itself has ended it.
    expect((await former.get('/login')).body).toMatchObject({ status: 'failed', next_channels: ['voice'] });
    expect((await former.get('/login')).body).not.toHaveProperty('reason');
    await postCode(later, await lastCode()).expect(200);
  });

  test('costs nothing while it waits', () =>
    withSystem(
      { env: { ...WITH_CODES, SILENT_AUTH: 'off', RATE_LIMITS: 'send-number=4' } },
      async (other) => {
        const [former, later] = [other.app(), other.app()];
        for (const app of [former, later]) await app.post('/login').send({ phone_number: ALICE }).expect(201);
        await next(former).expect(200);
        for (let each = 0; each < 10; each++) await next(later).expect(409);
        other.world.turn(30);
        await next(later).expect(200);
        expect(await other.messages()).toHaveLength(2);
      },
    ));

  test('that this server does not know is cancelled if Vonage allows it, and waited for if not', async () => {
    const [former, later] = [await begin(), await begin()];
    await next(former).expect(200);
    await system.redis.flushdb();
    const again = await begin();
    expect((await next(again).expect(409)).body.retry_after).toBe(30);
    system.world.turn(10);
    expect((await next(again).expect(409)).body.retry_after).toBe(20);
    system.world.turn(20);
    await next(again).expect(200);
    await next(later).expect(404);
  });

  test('waits for the end of a chain that has gone on', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off', VERIFY_CHAIN: 'true' } }, async (other) => {
      const [former, later] = [other.app(), other.app()];
      for (const app of [former, later]) await app.post('/login').send({ phone_number: ALICE }).expect(201);
      await next(former).expect(200);
      await next(former, { channel: 'voice' }).expect(200);
      other.world.turn(40);
      expect((await next(later).expect(409)).body.retry_after).toBe(560);
    }));

  describe('by resend', () => {
    test('sends a new code by the same channel from resend_at on, and the former code is dead', async () => {
      const app = await begin();
      const moved = await next(app).expect(200);
      const resendAt = new Date(system.world.now() + 30_000).toISOString();
      expect(moved.body).toMatchObject({ sent: true, resend_at: resendAt, code_length: 6 });
      const code = await lastCode();
      expect((await next(app).expect(200)).body).toMatchObject({ sent: false, resend_at: resendAt });
      system.world.turn(10);
      const early = await next(app, { channel: 'sms', resend: true }).expect(409);
      expect(early.body).toMatchObject({ error: 'login_in_progress', retry_after: 20 });
      expect((await app.get('/login')).body).toMatchObject({ resend_at: resendAt, tries_left: 3 });
      system.world.turn(20);
      const again = await next(app, { channel: 'sms', resend: true }).expect(200);
      expect(again.body).toMatchObject({ channel: 'sms', sent: true, next_channels: ['voice'] });
      expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms', 'sms']);
      await postCode(app, code).expect(400);
      await postCode(app, await lastCode()).expect(200);
    });

    test('without a channel repeats the current one, also once its code has expired', async () => {
      const app = await begin();
      await next(app, { channel: 'voice' }).expect(200);
      system.world.turn(301);
      expect((await app.get('/login')).body).toMatchObject({ status: 'expired', next_channels: [] });
      await next(app, {}).expect(409);
      expect((await next(app, { resend: true }).expect(200)).body).toMatchObject({
        channel: 'voice',
        sent: true,
      });
      await postCode(app, await lastCode()).expect(200);
    });

    test('moves on where the login is on another channel, and sends nothing once the login is over', async () => {
      const app = await begin();
      expect((await next(app, { channel: 'sms', resend: true }).expect(200)).body.sent).toBe(true);
      for (let each = 0; each < 3; each++) await postCode(app, '000000');
      system.world.turn(30);
      expect((await next(app, { resend: true }).expect(409)).body.error).toBe('no_more_channels');
      expect(await system.messages()).toHaveLength(1);
    });

    test('is counted like any message', () =>
      withSystem(
        { env: { ...WITH_CODES, SILENT_AUTH: 'off', RATE_LIMITS: 'send-number=2' } },
        async (other) => {
          const app = other.app();
          await app.post('/login').send({ phone_number: ALICE }).expect(201);
          await next(app).expect(200);
          for (const status of [200, 429, 429]) {
            other.world.turn(30);
            await next(app, { resend: true }).expect(status);
          }
          expect(await other.messages()).toHaveLength(2);
        },
      ));
  });
});
