import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { openRedisStore } from '../src/store/redis.js';
import { freePort, redisAt } from '../test/support/redis-server.js';
import { until } from '../test/support/until.js';
import { machine } from './report.js';
import { median } from './statistics.js';

/**
 * `npm run bench -- failover [--rounds 3]`
 *
 * Kills the primary of a Redis with two replicas and three sentinels, which run on loopback with
 * deploy/redis.conf and deploy/sentinel.conf, and measures the time until the store of the server
 * writes again.
 */
const REDIS_CONFIG = readFileSync('deploy/redis.conf', 'utf8');
const SENTINEL_CONFIG = readFileSync('deploy/sentinel.conf', 'utf8');

const ended = (child: ChildProcess): Promise<unknown> => {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  return exited;
};

/** Resolves when the answer of a Redis or a sentinel contains `text`. */
async function says(port: number, command: [string, ...string[]], text: string): Promise<void> {
  const redis = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await until(async () => String(await redis.call(...command)).includes(text));
  redis.disconnect();
}

/** @returns milliseconds from the end of the primary to the next write */
async function measure(folder: string): Promise<number> {
  const started: ChildProcess[] = [];
  // Sentinels and Redis rewrite their files.
  const start = (port: number, config: string, args: string[] = []): ChildProcess => {
    const own = join(folder, `${port}`);
    mkdirSync(own);
    writeFileSync(join(own, 'own.conf'), config);
    const local = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', own];
    const child = spawn('redis-server', [join(own, 'own.conf'), ...args, ...local], { stdio: 'ignore' });
    started.push(child);
    return child;
  };
  const [primary, ...replicas] = [await freePort(), await freePort(), await freePort()] as [
    number,
    ...number[],
  ];
  const sentinels = [await freePort(), await freePort(), await freePort()];
  try {
    const first = start(primary, REDIS_CONFIG);
    for (const port of replicas) start(port, REDIS_CONFIG, ['--replicaof', '127.0.0.1', `${primary}`]);
    for (const port of replicas) await says(port, ['INFO', 'replication'], 'master_link_status:up');
    const monitor = SENTINEL_CONFIG.replace(/(monitor main) \S+ \d+/, `$1 127.0.0.1 ${primary}`);
    for (const port of sentinels) start(port, monitor, ['--sentinel']);
    for (const port of sentinels) await says(port, ['INFO', 'sentinel'], 'slaves=2,sentinels=3');
    const url = `redis+sentinel://${sentinels.map((port) => `127.0.0.1:${port}`).join()}/main`;
    const store = await openRedisStore(redisAt(url), pino({ level: 'silent' }));
    const isWritten = (): Promise<boolean> =>
      store.set('ping', '1', 1).then(
        () => true,
        () => false,
      );
    await until(isWritten);
    // Sentinels exchange what they know every two seconds.
    await pause(2000);
    await ended(first);
    const killedAt = performance.now();
    await until(isWritten);
    const ms = performance.now() - killedAt;
    await store.close();
    return ms;
  } finally {
    await Promise.all(
      started.filter(({ exitCode, signalCode }) => (exitCode ?? signalCode) === null).map(ended),
    );
  }
}

/** @returns the report */
export async function measureFailover(args: string[]): Promise<string> {
  const { values: options } = parseArgs({ args, options: { rounds: { type: 'string', default: '3' } } });
  const folder = mkdtempSync(join(tmpdir(), 'failover-'));
  const times: number[] = [];
  try {
    for (let round = 0; round < Number(options.rounds); round++) {
      const own = join(folder, `${round}`);
      mkdirSync(own);
      times.push(await measure(own));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return [
    machine(),
    `The server wrote again ${seconds(median(times))} s after the end of the primary (${times.length} times: ${times.map(seconds).join(', ')}).`,
  ].join('\n');
}
