import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, startRedis, type RedisServer } from './redis-server.js';
import { until } from './until.js';

/** The password of the sentinels, which differs from that of Redis. */
export const SENTINEL_PASSWORD = 'of-the-sentinels';

/** A primary, a replica, and three sentinels that monitor them. */
export interface Sentinels {
  /** The value of `REDIS_URL`. */
  url: string;
  primary: RedisServer;
  replica: RedisServer;
  /** The URL of the current primary. */
  current(): Promise<string>;
  /** Makes the replica the primary while the old one runs. */
  switchOver(): Promise<void>;
  stop(): Promise<void>;
}

/** By default a primary waits for further replicas before it synchronises one. */
const IN_SYNC_AT_ONCE = ['--repl-diskless-sync-delay', '0'];

export async function startSentinels(): Promise<Sentinels> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinels-'));
  // The sentinels may make the primary a replica, which writes what it receives into a file.
  const dump = ['--dir', folder, '--dbfilename', 'primary.rdb'];
  const primary = await startRedis(undefined, [...IN_SYNC_AT_ONCE, ...dump]);
  const { port } = new URL(primary.url);
  const replica = await startRedis(undefined, ['--replicaof', `127.0.0.1 ${port}`, '--dir', folder]);
  await until(() =>
    replica.administer(async (admin) => (await admin.info('replication')).includes('master_link_status:up')),
  );
  const ports = [await freePort(), await freePort(), await freePort()];
  const processes = ports.map((each) => startSentinel(join(folder, `${each}.conf`), each, port));
  const first = new Redis({
    ...{ host: '127.0.0.1', port: ports[0] as number, password: SENTINEL_PASSWORD },
    ...{ enableReadyCheck: false, retryStrategy: () => 50, maxRetriesPerRequest: null },
  });
  first.on('error', () => undefined);
  const ask = (...args: [string, ...string[]]) => first.call('SENTINEL', ...args) as Promise<unknown[]>;
  await until(async () => (await ask('replicas', 'mymaster').catch(() => [])).length === 1);
  await until(async () => (await ask('sentinels', 'mymaster')).length === 2);
  return {
    url: `redis+sentinel://${ports.map((each) => `127.0.0.1:${each}`).join()}/mymaster`,
    primary,
    replica,
    current: async () => `redis://${(await ask('get-master-addr-by-name', 'mymaster')).join(':')}`,
    async switchOver() {
      await ask('failover', 'mymaster');
    },
    async stop() {
      first.disconnect();
      processes.forEach((each) => each.kill('SIGKILL'));
      await Promise.all([primary.stop(), replica.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

function startSentinel(file: string, port: number, primaryPort: string): ChildProcess {
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${SENTINEL_PASSWORD}`,
    `sentinel monitor mymaster 127.0.0.1 ${primaryPort} 2`,
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 1000',
  ];
  writeFileSync(file, lines.join('\n'));
  return spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
}
