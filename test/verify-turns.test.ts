import type supertest from 'supertest';
import { until } from './support/until.js';
import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  CHAINED,
  WITH_CODES,
  postCode,
  startSystem,
  withSystem,
  type System,
} from './support/system.js';

type App = ReturnType<System['app']>;
type Answer = supertest.Response;
type Client = ReturnType<typeof clientAt>;

const OWNER = '203.0.113.7';
const STRANGER = '198.51.100.9';

/** An app at an address, which asks again after the seconds that a 409 says. */
function clientAt(system: System, address: string, pass: (seconds: number) => Promise<void>) {
  const app = system.app();
  const post = (path: string, body: object) => app.post(path).set('X-Forwarded-For', address).send(body);
  const patiently = async (path: string, body: object): Promise<Answer> => {
    for (let asked = 0; ; asked++) {
      const answer = await post(path, body);
      if (answer.status !== 409 || asked > 20) return answer;
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
async function logIn(system: System, { app, patiently }: Client, engine: string): Promise<string> {
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
    'although a client without cookies at the same address begins again every 30 seconds',
    OWNER,
    { repeats: true, fresh: true },
  ],
  [
    'although a session at the same address begins again every 30 seconds',
    OWNER,
    { repeats: true, fresh: false },
  ],
];

// oidc and camara begin with a redirect, as network-enablement does.
describe.each(['network-enablement', 'verify', 'off'])('with SILENT_AUTH=%s', (engine) => {
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

  test('is refused with the seconds until then, and makes the former code worthless everywhere', async () => {
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
    // Its age is not known, so the client asks again every few seconds.
    for (let seconds = 0; seconds < 30; seconds += 5) {
      expect((await next(again).expect(409)).body.retry_after).toBe(5);
      system.world.turn(5);
    }
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
      expect((await next(later).expect(409)).body.retry_after).toBe(260);
    }));

  test('is reached in the order in which the clients came, also with another address', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off', TRUST_PROXY: '1' } }, async (other) => {
      const clients = ['192.0.2.1', '192.0.2.2', OWNER].map((address) => clientAt(other, address, noWait));
      for (const client of clients) await client.post('/login', { phone_number: ALICE });
      const [first, second, owner] = clients as [Client, Client, Client];
      await first.post('/login/next', { channel: 'sms' }).expect(200);
      expect((await second.post('/login/next', { channel: 'sms' })).body.retry_after).toBe(30);
      expect((await owner.post('/login/next', { channel: 'sms' })).body.retry_after).toBe(35);
      other.world.turn(30);
      await second.post('/login/next', { channel: 'sms' }).expect(200);
      // Behind the owner, who now has another address.
      expect((await first.post('/login/next', { channel: 'voice' })).body.retry_after).toBe(35);
      other.world.turn(5);
      expect((await owner.post('/login/next', { channel: 'sms' })).body.retry_after).toBe(25);
      other.world.turn(25);
      expect((await first.post('/login/next', { channel: 'voice' })).body.retry_after).toBe(5);
      const moved = owner.app.post('/login/next').set('X-Forwarded-For', STRANGER).send({ channel: 'sms' });
      await moved.expect(200);
    }));

  test('is not delayed by more than ten seconds by clients that do not come back', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify', TRUST_PROXY: '1' } }, async (other) => {
      const begin = (address: string) =>
        clientAt(other, address, noWait).post('/login', { phone_number: ALICE });
      await begin(STRANGER).expect(201);
      for (let each = 0; each < 20; each++) await begin(STRANGER).expect(409);
      expect((await begin(OWNER).expect(409)).body.retry_after).toBe(40);
      // Their places are free again after a minute.
      other.world.turn(60);
      await begin(OWNER).expect(201);
    }));

  test('keeps a place for a refused client, whose login itself cannot go on', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify' } }, async (other) => {
      await other.app().post('/login').send({ phone_number: ALICE }).expect(201);
      const app = other.app();
      await app.post('/login').send({ phone_number: ALICE }).expect(409);
      expect((await next(app).expect(409)).body.error).toBe('no_more_channels');
      other.world.turn(30);
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      expect(await other.messages()).toEqual([]);
    }));

  test('may be one that Vonage does not name', async () => {
    const [former, later] = [await begin(), await begin()];
    await next(former).expect(200);
    const conflict = {
      type: 'https://x/api-errors#conflict',
      title: 'Conflict',
      detail: 'Concurrent verifications',
    };
    const fault = {
      status: 409,
      content_type: 'application/problem+json',
      body: JSON.stringify(conflict),
      times: 1,
    };
    await system.control('faults', { 'verify-start': fault });
    expect((await next(later).expect(409)).body.retry_after).toBe(30);
    system.world.turn(30);
    await system.control('faults', { 'verify-start': fault });
    await next(later).expect(200);
  });

  test('with SILENT_AUTH=verify a login that is begun again gets a new link once the former one can be cancelled', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify' } }, async (other) => {
      const app = other.app();
      const login = async () =>
        (await app.post('/login').send({ phone_number: ALICE }).expect(201)).body.auth_url;
      const link = await login();
      other.world.turn(29);
      expect(await login()).toBe(link);
      other.world.turn(1);
      const fresh = await login();
      expect(fresh).not.toBe(link);
      await postCode(app, String((await walk(fresh)).json?.['code'])).expect(200);
    }));

  test('with SILENT_AUTH=verify a refused login leaves the message of another number under way', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify' } }, async (other) => {
      const [app, stranger] = [other.app(), other.app()];
      await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
      await other.next(app, 'sms');
      const code = (await other.messages()).at(-1)?.code ?? '';
      await stranger.post('/login').send({ phone_number: BOB }).expect(201);
      await app.post('/login').send({ phone_number: BOB }).expect(409);
      other.world.turn(31);
      await postCode(app, code).expect(200);
    }));

  test.each([
    [
      'wrong codes',
      async (app: App) => {
        for (let each = 0; each < 3; each++) await postCode(app, '000000');
      },
    ],
    ['a login that is cancelled', async (app: App) => app.delete('/login').expect(204)],
  ])('does not take %s for an unreachable number', async (_what, end) => {
    const app = await begin();
    await next(app).expect(200);
    await end(app);
    system.world.turn(30);
    const webhooks = async () =>
      (await (await fetch(`${system.sandbox}/__sandbox/webhooks`)).json()) as { status: number | null }[];
    await until(async () => (await webhooks()).some(({ status }) => status === 204));
    expect(system.world.logged()).not.toContain('unreachable');
  });

  test('a start that Vonage refuses is not counted, and one that may have sent a message is', () =>
    withSystem(
      { env: { ...WITH_CODES, SILENT_AUTH: 'off', RATE_LIMITS: 'send-number=2' } },
      async (other) => {
        const app = other.app();
        await app.post('/login').send({ phone_number: ALICE }).expect(201);
        await other.control('faults', { 'verify-start': { status: 402, body: '{}', times: 5 } });
        for (let each = 0; each < 5; each++) await next(app).expect(503);
        await other.control('faults', { 'verify-start': { drop: 'after', times: 1 } });
        await next(app).expect(502);
        other.world.turn(30);
        await next(app).expect(200);
        other.world.turn(30);
        await next(app, { resend: true }).expect(429);
      },
    ));

  test('is not counted if the cancellation of the former one has no answer', () =>
    withSystem(
      { env: { ...WITH_CODES, SILENT_AUTH: 'off', RATE_LIMITS: 'send-number=4' } },
      async (other) => {
        const [former, later] = [other.app(), other.app()];
        for (const app of [former, later]) await app.post('/login').send({ phone_number: ALICE }).expect(201);
        await next(former).expect(200);
        other.world.turn(30);
        await other.control('faults', { 'verify-cancel': { status: 503, body: '{}', times: 4 } });
        for (let each = 0; each < 4; each++) expect((await next(later).expect(409)).body.retry_after).toBe(5);
        await next(later).expect(200);
      },
    ));

  test('a chain that is refused or goes on is counted once', () =>
    withSystem(
      { env: { ...CHAINED, TRUST_PROXY: '1', RATE_LIMITS: 'send-number=4,login-range-second=100' } },
      async (other) => {
        const app = clientAt(other, OWNER, noWait);
        for (let each = 0; each < 4; each++) await app.post('/login', { phone_number: ALICE }).expect(201);
        for (let each = 0; each < 4; each++)
          await clientAt(other, `192.0.${each}.1`, noWait)
            .post('/login', { phone_number: ALICE })
            .expect(409);
        const starts = (await other.upstream()).filter(
          ({ path, method }) => method === 'POST' && path === '/v2/verify',
        );
        const lengths = starts.map(({ body }) => (body as { workflow: object[] }).workflow.length);
        // A login that resumes its verification needs no messages for a new one.
        expect(lengths).toEqual([3, 1, 1, 1, 3, 3, 3, 3]);
      },
    ));

  describe('by resend', () => {
    test('sends a new code by the same channel from resend_at on, and the former code is invalid', async () => {
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

    test('does not wait where Vonage has reported that the message failed', async () => {
      const app = system.app();
      await app.post('/login').send({ phone_number: '+447700900113' }).expect(201);
      await next(app).expect(200);
      await until(async () => (await app.get('/login')).body.reason === 'unreachable');
      expect((await next(app, { channel: 'sms', resend: true }).expect(200)).body.sent).toBe(true);
    });

    test('repeats a message that the session sent before its login began again', async () => {
      const app = await begin();
      await next(app).expect(200);
      system.world.turn(40);
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      expect((await next(app).expect(200)).body.sent).toBe(false);
      expect((await next(app, { resend: true }).expect(200)).body.sent).toBe(true);
    });

    test.each(['network-enablement', 'oidc', 'verify', 'off'])(
      'and another channel are possible with the default limits, with SILENT_AUTH=%s',
      (engine) =>
        withSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine, RATE_LIMITS: '' } }, async (other) => {
          const app = other.app();
          await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
          await other.next(app, 'sms');
          other.world.turn(30);
          expect((await next(app, { resend: true }).expect(200)).body.sent).toBe(true);
          other.world.turn(30);
          await next(app, { channel: 'voice' }).expect(200);
        }),
    );

    test('is counted like any message', () =>
      withSystem(
        { env: { ...WITH_CODES, SILENT_AUTH: 'off', RATE_LIMITS: 'send-number=2' } },
        async (other) => {
          // All within one hour of the limit.
          other.world.turn(3600 - (Math.floor(other.world.now() / 1000) % 3600));
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
