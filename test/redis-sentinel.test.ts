import { Redis } from 'ioredis';
import { connectRedis } from '../src/store/connection.js';
import { createRedisStore, openRedisStore } from '../src/store/redis.js';
import type { RedisSettings } from '../src/config/redis.js';
import { ALICE, postCode, startSystem, withSystem, type System } from './support/system.js';
import { manyLogins, RETRYABLE } from './support/many-logins.js';
import { openProxy } from './support/proxy.js';
import { SENTINEL_PASSWORD, startSentinels, type Sentinels } from './support/sentinels.js';
import { until } from './support/until.js';

let sentinels: Sentinels;
let system: System;
async function start(): Promise<void> {
  sentinels = await startSentinels();
  system = await startSystem({
    redisUrl: sentinels.url,
    env: { REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD },
  });
}
async function stop(): Promise<void> {
  await system.stop();
  await sentinels.stop();
}

/** The primary that fails is the last. */
describe('with sentinels', () => {
  beforeAll(start);
  afterAll(stop);

  test('a wrong password for the sentinels is logged, and requests get 503', async () => {
    const settings = { ...(system.config.redis as RedisSettings), sentinelAccess: { password: 'hunter2' } };
    const connection = connectRedis(settings, system.world.log);
    const store = createRedisStore(connection);
    await until(() => Promise.resolve(system.world.logged().includes('WRONGPASS')));
    await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable' });
    expect(system.world.logged()).not.toContain('hunter2');
    await store.close();
  });

  test('a command waits for a connection that was cut while it was idle', async () => {
    let soon = 0;
    await until(async () => {
      // An `error` in between, such as of one attempt, is not the end.
      const next = (event: 'close' | 'ready') =>
        new Promise<number>((at) => system.redis.once(event, () => at(performance.now())));
      const closed = next('close');
      // Not the connections of the sentinels, which would soon replace a primary without them.
      const id = await system.redis.client('ID');
      await sentinels.primary.administer((admin) => admin.client('KILL', 'ID', id));
      const closedAt = await closed;
      const back = next('ready');
      const { status } = await system.app().post('/login').send({ phone_number: ALICE });
      // A command waits for 200 ms. A busy machine may need longer to connect.
      if ((await back) - closedAt > 150) return false;
      expect(status).toBe(201);
      return ++soon === 3;
    });
  });

  test('a connection that is cut while a sentinel is asked is made again', async () => {
    const asking = new Promise((asks) => system.redis.once('connecting', () => setImmediate(asks)));
    system.redis.disconnect(true);
    await asking;
    system.redis.disconnect(true);
    await until(async () => (await system.app().get('/readyz')).status === 200, 10);
  });

  test('the client of a host app is connected after its only sentinel hung', async () => {
    const { port } = new URL(sentinels.url.replace(/^[^:]*/, 'http').split(',', 1)[0] as string);
    const proxy = await openProxy(Number(port));
    proxy.breakWith('hanging');
    const client = new Redis({
      ...{ name: 'mymaster', sentinels: [{ host: '127.0.0.1', port: proxy.port }] },
      ...{ sentinelPassword: SENTINEL_PASSWORD, lazyConnect: true },
      // The app gives up. By default it would wait for the sentinel for ever.
      sentinelRetryStrategy: () => null,
    });
    const store = await openRedisStore(client, system.world.log);
    try {
      await proxy.mend();
      const isReady = () =>
        store.ping().then(
          () => true,
          () => false,
        );
      await until(isReady, 10);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  test('after the failure of a primary some logins begin again, and all complete', async () => {
    let killed = 0;
    const ready = async () => (await system.app().get('/readyz')).status === 200;
    const { loggedIn, hitches } = await manyLogins(system, 80, (done) => {
      if (done === 25) void sentinels.primary.stop().then(() => (killed = performance.now()));
    });
    await until(ready, 20);
    expect(killed).toBeGreaterThan(0);
    expect(loggedIn).toHaveLength(80);
    expect(hitches.length).toBeGreaterThan(0);
    expect(hitches.filter((hitch) => !RETRYABLE.includes(hitch))).toEqual([]);
    expect(await sentinels.current()).toBe(sentinels.replica.url);
    // The tickets of another engine hold more.
    await withSystem(
      {
        redisUrl: sentinels.url,
        emptied: false,
        env: { SILENT_AUTH: 'camara', REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD },
      },
      async (other) => {
        const { app, code } = await other.walkedLogin();
        await postCode(app, code).expect(200);
      },
    );
    // No code can be used for a second login, whatever the replica had received.
    for (const { app, code } of loggedIn) {
      const again = await postCode(app, code);
      expect([again.status, again.body.verified]).not.toEqual([200, true]);
    }
  });
});

describe('with sentinels that replace the primary', () => {
  beforeAll(start);
  afterAll(stop);

  test('a primary that is replaced while it runs is disconnected at once, before its writes are lost', async () => {
    // Otherwise the former primary becomes a replica about ten seconds later, and refuses writes.
    await sentinels.primary.administer((admin) =>
      admin.call('ACL', 'SETUSER', 'default', '-replicaof', '-slaveof'),
    );
    await sentinels.switchOver();
    await until(async () => (await sentinels.current()) === sentinels.replica.url);
    await until(async () => {
      await system.store.set('ping', 'hello', 10).catch(() => undefined);
      return (await sentinels.replica.administer((admin) => admin.get('ping'))) === 'hello';
    }, 30);
  });
});
