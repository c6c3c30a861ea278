import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { connectRedis } from '../src/store/connection.js';
import { createRedisStore, openRedisStore } from '../src/store/redis.js';
import type { RedisSettings } from '../src/config/redis.js';
import { newCa } from './support/certificates.js';
import { ALICE, postCode, withSystem, WITH_CODES } from './support/system.js';
import { freePort, redisAt, startRedis, type RedisServer } from './support/redis-server.js';
import { until } from './support/until.js';
import { testWorld } from './support/world.js';

const page = readFileSync(join(__dirname, '../docs/redis.md'), 'utf8');
/** The rights in docs/redis.md, as options of `redis-server`. */
const [, ...rights] = (/```acl\n(.*)\n```/.exec(page)?.[1] ?? '').split(' ');
const urlOf = (redis: RedisServer, access: string) => redis.url.replace('redis://', `redis://${access}@`);

/** The log names the error of Redis, and requests get only `unavailable`. */
async function complaintOf(settings: RedisSettings, complaint: string): Promise<void> {
  const world = testWorld();
  const connection = connectRedis(settings, world.log);
  const store = createRedisStore(connection);
  await until(() => Promise.resolve(world.logged().includes(complaint)));
  await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable', fields: { retry_after: 1 } });
  expect(world.logged()).not.toContain('hunter2');
  await store.close();
}

describe('a Redis with a user for this server', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis(undefined, ['--user', ...rights, '--user', 'default', 'off']);
  });
  afterAll(() => redis.stop());

  test('needs exactly the rights that docs/redis.md lists', async () => {
    await redis.administer((admin) => admin.config('RESETSTAT'));
    const own = { redisUrl: urlOf(redis, 'bff:change-me'), emptied: false };
    await withSystem({ ...own, env: { ...WITH_CODES, SILENT_AUTH: 'verify' } }, async (system) => {
      const app = system.app();
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      await system.next(app, 'sms');
      await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    });
    await withSystem({ ...own, env: WITH_CODES }, async (system) => {
      await system.app().get('/readyz').expect(200);
      const { app, code } = await system.walkedLogin();
      await postCode(app, 'A'.repeat(43)).expect(400);
      await postCode(app, code).expect(200);
      await app.get('/session').expect(200);
      await app.post('/logout').expect(204);
      await system.store.note('limit:logins:x', { name: 'pause', value: 1 }, 1);
    });
    const [denied, stats] = await redis.administer(async (admin) => [
      (await admin.call('ACL', 'LOG')) as unknown[],
      await admin.info('commandstats'),
    ]);
    expect(denied).toEqual([]);
    const used = [...stats.matchAll(/^cmdstat_([a-z]+)[:|]/gm)].map(([, name]) => name);
    const given = rights.filter((right) => right.startsWith('+')).map((right) => right.slice(1));
    expect(given.length).toBeGreaterThan(10);
    expect(given.filter((name) => !used.includes(name))).toEqual([]);
  });

  test('refuses a wrong password, which is logged, and requests get 503', () =>
    complaintOf(redisAt(urlOf(redis, 'bff:hunter2')), 'WRONGPASS'));

  test('is reached only over the IP version that its URL names', async () => {
    const byName = urlOf(redis, 'bff:change-me').replace('127.0.0.1', 'localhost');
    await withSystem({ redisUrl: `${byName}?family=4`, emptied: false }, (system) =>
      system
        .app()
        .get('/readyz')
        .expect(200)
        .then(() => undefined),
    );
    // It listens on 127.0.0.1 only.
    await complaintOf(redisAt(`${byName}?family=6`), 'redis is not reachable');
  });

  test('refuses a connection without a password', () => complaintOf(redisAt(redis.url), 'NOAUTH'));
});

describe('an error of Redis is reported by its first word', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  const limited = (...rights: string[]) =>
    redis.administer((admin) =>
      admin.call('ACL', 'SETUSER', 'few', 'reset', 'on', '>pass', '~*', '+@all', ...rights),
    );

  test.each(['getdel', 'hset', 'eval', 'del'])(
    'a missing right to %s, at the start and by /readyz',
    async (name) => {
      await limited(`-${name}`);
      await withSystem({ redisUrl: urlOf(redis, 'few:pass'), emptied: false }, async (system) => {
        const { body } = await system.app().get('/readyz').expect(503);
        expect(body).toMatchObject({ error: 'unavailable', detail: 'Redis refuses a command: NOPERM.' });
      });
      const world = testWorld();
      const store = await openRedisStore(redisAt(urlOf(redis, 'few:pass')), world.log);
      expect(world.logged()).toMatch(/"cause":"NOPERM","why":"[^"]+".*redis is not ready/);
      await store.close();
    },
  );

  test('a right to keys that is missing', async () => {
    await limited('resetkeys', '~sess:*', '~state:*', '~verify:*', '~jti:*', '~limit:*', '~lock:*', '~ping');
    await withSystem({ redisUrl: urlOf(redis, 'few:pass'), emptied: false }, (system) =>
      system
        .app()
        .get('/readyz')
        .expect(503)
        .then(() => undefined),
    );
  });

  test.each([
    ['OOM', ['maxmemory', '1']],
    ['NOREPLICAS', ['min-replicas-to-write', '1']],
  ] as const)('%s, in the log of a login and by /readyz', async (word, [setting, value]) => {
    await withSystem({ redisUrl: redis.url }, async (system) => {
      await redis.administer((admin) => admin.config('SET', setting, value));
      try {
        await system.app().post('/login').send({ phone_number: ALICE }).expect(503);
        expect(system.world.logged()).toContain(`"cause":"${word}"`);
        const { body } = await system.app().get('/readyz').expect(503);
        expect(body.detail).toBe(`Redis refuses a command: ${word}.`);
        // The log of a store that openRedisStore opened says it once, however often probes ask.
        expect(system.world.logged()).not.toMatch(/"level":"error".*request failed/);
      } finally {
        await redis.administer((admin) => admin.config('SET', setting, '0'));
      }
      await system.app().get('/readyz').expect(200);
    });
  });

  test('one check answers all requests that wait for it', async () => {
    await withSystem({ redisUrl: redis.url }, async (system) => {
      await redis.administer((admin) => admin.config('RESETSTAT'));
      await Promise.all(Array.from({ length: 20 }, () => system.store.ping()));
      const stats = await redis.administer((admin) => admin.info('commandstats'));
      // A check takes a `state` and a `code`.
      expect(stats).toMatch(/cmdstat_getdel:calls=2,/);
    });
  });

  test('an error of the connection is no answer of Redis', async () => {
    await withSystem({ redisUrl: redis.url }, async (system) => {
      const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
      system.redis.get = () => Promise.reject(broken);
      await expect(system.store.get('sess:x')).rejects.toMatchObject({
        detail: 'Redis did not answer. Try again.',
        cause: { name: 'EPIPE' },
      });
    });
  });

  test('leaves no keys behind after a check', async () => {
    await withSystem({ redisUrl: redis.url }, async (system) => {
      await system.app().get('/readyz').expect(200);
      expect(await system.redis.keys('*')).toEqual(['ping']);
    });
  });

  test('a fault that lasts has one line when it begins, and one when it ends', async () => {
    const world = testWorld();
    const store = await openRedisStore(redisAt(redis.url), world.log);
    try {
      for (const isFull of [true, false]) {
        await redis.administer((admin) => admin.config('SET', 'maxmemory', isFull ? '1' : '0'));
        for (let checks = 0; checks < 3; checks++) {
          const checked = store.ping();
          await (isFull ? expect(checked).rejects.toMatchObject({ code: 'unavailable' }) : checked);
        }
      }
      expect(world.logged().trim().split('\n')).toEqual([
        expect.stringMatching(/"level":"error".*"cause":"OOM","why":"[^"]+".*redis is not ready/),
        expect.stringContaining('redis is ready again'),
      ]);
    } finally {
      await store.close();
    }
  });

  test('an outage has one line when it begins, and one when it ends', async () => {
    const away = await startRedis();
    const world = testWorld();
    const store = await openRedisStore(redisAt(away.url), world.log);
    const { port } = new URL(away.url);
    await away.stop();
    await until(() => Promise.resolve(world.logged().includes('redis is not reachable')));
    await expect(store.ping()).rejects.toMatchObject({ detail: 'Redis did not answer. Try again.' });
    const back = await startRedis(Number(port));
    await until(() => Promise.resolve(world.logged().includes('redis is reachable again')));
    const lines = world
      .logged()
      .split('\n')
      .filter((line) => line.includes('reachable'));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain(`"host":"127.0.0.1:${port}"`);
    await store.ping();
    await Promise.all([store.close(), back.stop()]);
  });

  test('a database that may not be selected for a while is replaced by no other', async () => {
    const limited = await startRedis();
    const allow = (rule: string) => limited.administer((admin) => admin.acl('SETUSER', 'default', rule));
    const sizeOf = (db: number) =>
      limited.administer(async (admin) => {
        await admin.select(db);
        return admin.dbsize();
      });
    await allow('-select');
    const world = testWorld();
    const store = await openRedisStore(redisAt(`${limited.url}/3`), world.log);
    await expect(store.set('sess:1', 'x', 60)).rejects.toMatchObject({ code: 'unavailable' });
    expect(world.logged()).toContain('NOPERM');
    await allow('+select');
    const isSet = () =>
      store.set('sess:1', 'x', 60).then(
        () => true,
        () => false,
      );
    await until(isSet, 10);
    expect([await sizeOf(0), await sizeOf(3)]).toEqual([0, 1]);
    await Promise.all([store.close(), limited.stop()]);
  });

  test('all errors of a replica close its connection once', async () => {
    const primary = await startRedis();
    const connection = connectRedis(redisAt(primary.url), testWorld().log);
    await connection.ready;
    const { stream } = connection.client as Redis;
    const store = createRedisStore(connection);
    await primary.administer((admin) => admin.replicaof('127.0.0.1', 1));
    const closed = once(stream, 'close');
    const listeners = stream.listenerCount('close');
    await Promise.allSettled(Array.from({ length: 20 }, (_, at) => store.set(`sess:${at}`, 'x', 10)));
    expect(stream.listenerCount('close')).toBe(listeners + 1);
    await closed;
    await Promise.all([store.close(), primary.stop()]);
  });

  test('a command waits for a connection that was cut while it was idle', async () => {
    await withSystem({ redisUrl: redis.url }, async (system) => {
      let soon = 0;
      await until(async () => {
        const closed = once(system.redis, 'close');
        await redis.cut();
        await closed;
        const closedAt = performance.now();
        const back = once(system.redis, 'ready');
        const { status } = await system.app().post('/login').send({ phone_number: ALICE });
        await back;
        // A command waits for 200 ms. A busy machine may need longer to connect.
        if (performance.now() - closedAt > 150) return false;
        expect(status).toBe(201);
        return ++soon === 5;
      });
    });
  });
});

describe('a Redis with TLS and client certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'));
  const ca = newCa();
  const [server, client] = [ca.issue(), ca.issue()];
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  let redis: RedisServer;
  let place: string;
  beforeAll(async () => {
    const port = await freePort();
    redis = await startRedis(undefined, [
      ...['--tls-port', `${port}`, '--tls-auth-clients', 'yes'],
      ...['--tls-ca-cert-file', write('ca.pem', ca.certificate)],
      ...['--tls-cert-file', write('cert.pem', server.cert), '--tls-key-file', write('key.pem', server.key)],
    ]);
    place = `rediss://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  test('is reached with its CA and our certificate', () => {
    const env = { REDIS_CA: join(folder, 'ca.pem'), REDIS_CERT: client.cert, REDIS_KEY: client.key };
    return withSystem({ redisUrl: place, env }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
    });
  });

  test('is refused with a certificate of another CA, which is logged', () =>
    complaintOf(
      { ...redisAt(place), certificates: { ca: newCa('another CA').certificate, ...client } },
      'self-signed certificate in certificate chain',
    ));

  test('may send an alert after its certificate was refused', async () => {
    const certificates = { ca: newCa('another CA').certificate, ...client };
    const { client: redis, close } = connectRedis({ ...redisAt(place), certificates }, testWorld().log);
    await once(redis, 'error').catch(() => undefined);
    // As Node does if the connection was closed during the handshake.
    expect(() => (redis as Redis).stream.emit('error', new Error('an alert'))).not.toThrow();
    await close();
  });

  test('refuses a connection without a client certificate, which is logged', () =>
    complaintOf({ ...redisAt(place), certificates: { ca: ca.certificate } }, 'certificate required'));
});
