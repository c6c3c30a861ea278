import { resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { freePort, startRedis } from '../test/support/redis-server.js';
import type { Load } from './load.js';
import { settingsOf, startEnvironment, type Environment } from './environment.js';
import { machine } from './report.js';
import { median, table } from './statistics.js';

/**
 * `npm run bench -- memory [--logins 100000] [--starts 9] [--at-once 64] [--server dist/main.js]`
 */
const { values: options } = parseArgs({
  options: {
    logins: { type: 'string', default: '100000' },
    starts: { type: 'string', default: '9' },
    'at-once': { type: 'string', default: '64' },
    server: { type: 'string', default: 'dist/main.js' },
  },
});
const LOGINS = Number(options.logins);
const SERVER = resolve(options.server);
const STEPS = 10;
const AT_ONCE = Number(options['at-once']);
const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

/**
 * Memory of a process after each tenth of the logins, with a garbage collection before each
 * reading. The first step is the warm-up.
 */
async function memoryOfProcess(environment: Environment): Promise<string> {
  const { base, child } = await environment.open({
    name: 'server',
    file: SERVER,
    nodeFlags: ['--expose-gc'],
  });
  const rows: string[][] = [];
  for (let step = 1; step <= STEPS; step++) {
    await environment.load.ask('run', { base, atOnce: AT_ONCE, logins: Math.ceil(LOGINS / STEPS) });
    const { heapUsed, rss } = await child.usage();
    rows.push([`${Math.ceil(LOGINS / STEPS) * step}`, mb(heapUsed), mb(rss)]);
  }
  await child.stop();
  return table(['logins', 'heap (MB)', 'RSS (MB)'], rows);
}

/** Bytes of Redis per login: in all, and for its limits. */
async function bytesPerLogin(
  environment: Environment,
  base: string,
  beginOnly?: Load['beginOnly'],
): Promise<{ all: number; limits: number }> {
  const used = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await environment.redis.info('memory'))?.[1]);
  await environment.redis.flushall();
  const before = await used();
  await environment.load.ask('run', { base, atOnce: AT_ONCE, logins: LOGINS, beginOnly });
  const all = await used();
  await environment.redis.del(...(await environment.redis.keys('limit:*')));
  return { all: (all - before) / LOGINS, limits: (all - (await used())) / LOGINS };
}

/** Bytes of Redis for a pending login, and for a logged-in user. */
async function memoryOfRedis(environment: Environment): Promise<string> {
  const { base, child, db } = await environment.open({
    name: 'redis',
    file: SERVER,
    settings: { TRUST_PROXY: '1' },
  });
  await environment.redis.select(db);
  const pending = await bytesPerLogin(environment, base, 'one range');
  const ownRange = await bytesPerLogin(environment, base, 'own range');
  const complete = await bytesPerLogin(environment, base);
  await child.stop();
  return [
    `A pending login takes ${pending.all.toFixed(0)} bytes of Redis, ${pending.limits.toFixed(0)} of them for its limits;`,
    `its limits take ${ownRange.limits.toFixed(0)} bytes if each login has its own address range (${LOGINS} logins).`,
    `A million pending logins take ${mb(pending.all * 1e6)} MB.`,
    `A logged-in user takes ${(complete.all - complete.limits).toFixed(0)} bytes.`,
  ].join('\n');
}

/** Milliseconds from the start of the process until it logs that it listens. */
async function startupMs(redisUrl: string): Promise<number> {
  const env = settingsOf({ port: await freePort(), redisUrl, upstream: 'http://127.0.0.1:9' });
  const begunAt = performance.now();
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  for await (const line of child.stdout) if (String(line).includes('listening')) break;
  const took = performance.now() - begunAt;
  child.kill('SIGKILL');
  await exited;
  return took;
}

async function startupTimes(): Promise<string> {
  const redis = await startRedis();
  const took: number[] = [];
  for (let start = 0; start < Number(options.starts); start++) took.push(await startupMs(redis.url));
  await redis.stop();
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return `From start to listening: ${ms(median(took))} (${ms(Math.min(...took))} to ${ms(Math.max(...took))}, ${took.length} starts).`;
}

console.log([machine(), '', await startupTimes()].join('\n'));
const environment = await startEnvironment();
try {
  console.log(['', await memoryOfProcess(environment), '', await memoryOfRedis(environment)].join('\n'));
} finally {
  await environment.close();
}
