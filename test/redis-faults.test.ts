import { walk } from './support/device.js';
import { ALICE, buildHouse, postCode, withHouse, type House } from './support/house.js';
import { startRedis, type RedisServer } from './support/redis-server.js';

/** Milliseconds in which a fault of Redis has to be an answer. */
const WITHIN = 1000;

describe('while Redis is away', () => {
  let redis: RedisServer;
  let house: House;
  beforeEach(async () => {
    redis = await startRedis();
    house = await buildHouse({ redisUrl: redis.url });
  });
  afterEach(async () => {
    await house.stop();
    await redis.stop();
  });

  const setMemory = async (bytes: number) => {
    await house.redis.config('SET', 'maxmemory', bytes);
  };
  const faults: [string, { breakIt: () => Promise<void>; mendIt: () => Promise<void> }][] = [
    [
      'killed, and started again empty',
      {
        breakIt: () => redis.stop(),
        mendIt: async () => {
          redis = await startRedis(Number(new URL(redis.url).port));
        },
      },
    ],
    [
      'frozen',
      {
        breakIt: () => Promise.resolve(void redis.process.kill('SIGSTOP')),
        mendIt: () => Promise.resolve(void redis.process.kill('SIGCONT')),
      },
    ],
    [
      'out of memory',
      {
        breakIt: () => setMemory(1),
        mendIt: () => setMemory(0),
      },
    ],
  ];

  const timed = async (request: PromiseLike<{ status: number; body?: { error?: string } }>) => {
    const startedAt = performance.now();
    const { status, body } = await request;
    return { status, error: body?.error, inTime: performance.now() - startedAt < WITHIN };
  };
  const AWAY = { status: 503, error: 'unavailable', inTime: true };

  test.each(faults)(
    '(%s) a login is refused in time, and goes through again by itself afterwards',
    async (_what, fault) => {
      const { app, code } = await house.walkedLogin();
      const begun = await house.app().post('/login').send({ phone_number: ALICE });
      const { hops } = await walk(begun.body.auth_url, { stopBefore: house.base });

      await fault.breakIt();
      const calls = (await house.upstream()).length;
      expect(await timed(house.app().post('/login').send({ phone_number: ALICE }))).toEqual(AWAY);
      expect(await house.upstream()).toHaveLength(calls);
      const home = await timed(
        walk(hops.at(-1) ?? '').then(({ status, json }) => ({ status, body: json as { error: string } })),
      );
      expect(home).toEqual(AWAY);
      const verified = await timed(postCode(app, code));
      expect(verified).toEqual(AWAY);
      const health = await house.app().get('/healthz');
      expect(health.status).toBe(200);
      await fault.mendIt();

      for (let ready = 0; ready !== 200;) ready = (await house.app().get('/readyz')).status;
      const again = await house.walkedLogin();
      await postCode(again.app, again.code).expect(200);
      // What was begun before is finished at most once: nobody is logged in by halves.
      expect((await app.get('/session')).body.authenticated).toBe(false);
    },
  );

  test('a Verify request, which may send a message, is not started', async () => {
    const webhooks = { VONAGE_API_KEY: 'abcd1234', VONAGE_SIGNATURE_SECRET: 'w'.repeat(40) };
    const env = { SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms', ...webhooks };
    await withHouse({ redisUrl: redis.url, env }, async (verifying) => {
      await redis.stop();
      expect(await timed(verifying.app().post('/login').send({ phone_number: ALICE }))).toEqual(AWAY);
      expect(await verifying.upstream()).toEqual([]);
    });
  });

  test('the server says that it is not ready, and that it lives', async () => {
    await redis.stop();
    expect(await timed(house.app().get('/readyz'))).toEqual(AWAY);
    expect((await house.app().get('/healthz')).status).toBe(200);
    expect(await timed(house.app().get('/session').set('cookie', 'sid=s%3Ax.y'))).toMatchObject({
      status: 200,
    });
  });
});
