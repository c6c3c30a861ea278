import { postCode, withHouse, type HouseOptions, WEBHOOKS } from '../support/house.js';
import { openProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { bringTo, type Point } from './login-points.js';
import { portOf, REDIS_FAULTS, type Fault, type Scene } from './redis-faults.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** Milliseconds from the answer of Vonage to ours, when Redis fails in between. */
const WITHIN = 1000;

/** The scene of a fault, with a proxy on the way to Vonage as well. */
interface Midway extends Scene {
  toVonage: Proxy;
}

/** A house with a proxy on each of its ways out. */
async function withScene(options: HouseOptions, work: (scene: Midway) => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const way = await openProxy(portOf(redis));
  const scene = { redis, way };
  let toVonage: Proxy | undefined;
  const between = async (sandbox: string) => {
    toVonage = await openProxy(Number(new URL(sandbox).port));
    return `http://localhost:${toVonage.port}`;
  };
  const env = { FALLBACK_CHANNELS: 'sms', ...options.env };
  try {
    await withHouse({ redisUrl: `redis://127.0.0.1:${way.port}`, between, env }, (house) =>
      work(Object.assign(scene, { house, toVonage: toVonage as Proxy })),
    );
  } finally {
    await Promise.all([way.close(), toVonage?.close()]);
    await scene.redis.stop();
  }
}

describe('while a step waits for Vonage', () => {
  const troubles = [
    'killed, and started again empty',
    'frozen',
    'out of memory',
    'a replica',
    'behind a way that leads nowhere',
    'behind a way that loses answers',
  ];
  const points: Point[] = [
    'before login',
    'between login and callback',
    'between callback and verify',
    'before a message is asked for',
    'before the code of a message is typed',
  ];

  test.each(troubles)(
    'Redis is %s: each step is refused within a second of the answer, and nobody is logged in',
    (what) =>
      withScene({}, async (scene) => {
        const { house, toVonage } = scene;
        const { breakIt, mendIt } = REDIS_FAULTS[what] as Fault;
        const standing = [];
        for (const point of points) standing.push(await bringTo(point, house));
        const before = (await house.upstream()).length;
        toVonage.hold();
        const steps = standing.map((each) => each.step());
        await until(async () => (await house.upstream()).length === before + points.length);
        await breakIt(scene);
        const releasedAt = performance.now();
        await toVonage.mend();
        const said = await Promise.all(steps);
        const took = performance.now() - releasedAt;

        expect(said.map(({ status, word }) => [status, word])).toEqual(
          points.map(() => [503, 'unavailable']),
        );
        expect(took).toBeLessThanOrEqual(WITHIN);
        await mendIt(scene);
        await until(async () => (await house.app().get('/readyz')).status === 200);
        for (const each of standing) expect(await each.isLoggedIn()).toBe(false);
        await expectSingleUse(house);
        addToSummary({
          'faults tried': points.length,
          'faults survived': points.length,
          'worst time to 503 (ms)': Math.round(took),
        });
      }),
  );
});

test('a Verify request that was started for a login that could not be kept is stopped before it sends anything', () =>
  withScene({ env: { SILENT_AUTH: 'verify', ...WEBHOOKS } }, async ({ house, redis, toVonage }) => {
    toVonage.hold();
    const begun = house
      .app()
      .post('/login')
      .send({ phone_number: '+447700900000' })
      .then((answer) => answer);
    await until(async () => (await house.upstream()).length === 1);
    await redis.administer((admin) => admin.config('SET', 'maxmemory', '1'));
    await toVonage.mend();
    expect((await begun).body.error).toBe('unavailable');
    house.world.turn(31);
    await until(async () => (await house.upstream()).some(({ method }) => method === 'DELETE'));
    house.world.turn(60);
    expect(await house.messages()).toEqual([]);
  }));

test.each<[string, (redis: RedisServer, way: Proxy) => unknown]>([
  [
    'keeps its connections and becomes a replica',
    (redis) => redis.administer((admin) => admin.replicaof('127.0.0.1', 1)),
  ],
  ['vanishes without a word', (_redis, way) => way.breakWith('hanging')],
])('a Redis that %s is left for the one that takes its address', async (_what, fail) => {
  const successor = await startRedis();
  try {
    await withScene({}, async ({ house, redis, way }) => {
      await fail(redis, way);
      expect((await house.app().get('/readyz')).status).toBe(503);
      way.leadTo(portOf(successor));
      await way.mend();
      await until(async () => (await house.app().get('/readyz')).status === 200);
      const { app, code } = await house.walkedLogin();
      await postCode(app, code).expect(200);
    });
  } finally {
    await successor.stop();
  }
});
