import { postCode, withSystem, type SystemOptions, WEBHOOKS } from '../support/system.js';
import { openProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startStopwatch, until } from '../support/until.js';
import { bringTo, type Point } from './login-points.js';
import { portOf, REDIS_FAULTS, type Fault, type FaultySetup } from './redis-faults.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** The longest time from the answer of Vonage to ours when Redis fails in between. */
const MAX_ANSWER_MS = 1000;

/** A server with a proxy before Redis and another before Vonage. */
interface ProxiedServer extends FaultySetup {
  vonageProxy: Proxy;
}

async function withProxies(
  options: SystemOptions,
  work: (setup: ProxiedServer) => Promise<void>,
): Promise<void> {
  const redis = await startRedis();
  const redisProxy = await openProxy(portOf(redis));
  const setup = { redis, redisProxy };
  let vonageProxy: Proxy | undefined;
  const between = async (sandbox: string) => {
    vonageProxy = await openProxy(Number(new URL(sandbox).port));
    return `http://localhost:${vonageProxy.port}`;
  };
  const env = { FALLBACK_CHANNELS: 'sms', ...options.env };
  try {
    await withSystem({ redisUrl: `redis://127.0.0.1:${redisProxy.port}`, between, env }, (system) =>
      work(Object.assign(setup, { system, vonageProxy: vonageProxy as Proxy })),
    );
  } finally {
    await Promise.all([redisProxy.close(), vonageProxy?.close()]);
    await setup.redis.stop();
  }
}

describe('while a step waits for Vonage', () => {
  const faults = [
    'killed, and started again empty',
    'frozen',
    'out of memory',
    'a replica',
    'behind a proxy that never answers',
    'behind a proxy that drops answers',
  ];
  const points: Point[] = [
    'before login',
    'between login and callback',
    'between callback and verify',
    'before a message is asked for',
    'before the code of a message is typed',
  ];

  test.each(faults)(
    'Redis is %s: each step is refused within a second of the answer, and no session is logged in',
    (what) =>
      withProxies({}, async (setup) => {
        const { system, vonageProxy } = setup;
        const { inject, repair } = REDIS_FAULTS[what] as Fault;
        const logins = [];
        for (const point of points) logins.push(await bringTo(point, system));
        const before = (await system.upstream()).length;
        vonageProxy.hold();
        const steps = logins.map((login) => login.step());
        await until(async () => (await system.upstream()).length === before + points.length);
        system.useProductionTimeouts(true);
        await inject(setup);
        const stop = startStopwatch();
        await vonageProxy.mend();
        const answers = await Promise.all(steps);
        const took = stop();

        expect(answers.map(({ status, outcome }) => [status, outcome])).toEqual(
          points.map(() => [503, 'unavailable']),
        );
        expect(took).toBeLessThanOrEqual(MAX_ANSWER_MS);
        await repair(setup);
        await until(async () => (await system.app().get('/readyz')).status === 200);
        system.useProductionTimeouts(false);
        for (const login of logins) expect(await login.isLoggedIn()).toBe(false);
        await expectSingleUse(system);
        addToSummary({
          'faults tried': points.length,
          'faults survived': points.length,
          'worst time to 503 (ms)': took,
        });
      }),
  );
});

test('a Verify request is cancelled before it sends a message if its login could not be stored', () =>
  withProxies({ env: { SILENT_AUTH: 'verify', ...WEBHOOKS } }, async ({ system, redis, vonageProxy }) => {
    vonageProxy.hold();
    const begun = system
      .app()
      .post('/login')
      .send({ phone_number: '+447700900000' })
      .then((answer) => answer);
    await until(async () => (await system.upstream()).length === 1);
    await redis.administer((admin) => admin.config('SET', 'maxmemory', '1'));
    await vonageProxy.mend();
    expect((await begun).body.error).toBe('unavailable');
    system.world.turn(31);
    await until(async () => (await system.upstream()).some(({ method }) => method === 'DELETE'));
    system.world.turn(60);
    expect(await system.messages()).toEqual([]);
  }));

test.each<[string, (redis: RedisServer, proxy: Proxy) => unknown]>([
  [
    'keeps its connections and becomes a replica',
    (redis) => redis.administer((admin) => admin.replicaof('127.0.0.1', 1)),
  ],
  ['stops answering', (_redis, proxy) => proxy.breakWith('hanging')],
])('a Redis that %s is replaced by the one that takes its address', async (_what, fail) => {
  const successor = await startRedis();
  try {
    await withProxies({}, async ({ system, redis, redisProxy }) => {
      system.useProductionTimeouts(true);
      await fail(redis, redisProxy);
      expect((await system.app().get('/readyz')).status).toBe(503);
      redisProxy.leadTo(portOf(successor));
      await redisProxy.mend();
      await until(async () => (await system.app().get('/readyz')).status === 200);
      system.useProductionTimeouts(false);
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
    });
  } finally {
    await successor.stop();
  }
});
