import { resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { freePort, startRedis } from '../test/support/redis-server.js';
import type { Crowd } from './load.js';
import { openStage, settings, type Stage } from './stage.js';
import { machine } from './report.js';
import { median, table } from './statistics.js';

/** `npm run bench -- memory [--logins 100000] [--starts 9] [--at-once 64] [--server dist/main.js]` */
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

/** All logins through one process, whose heap is collected before each look. The first of ten steps is the warm-up. */
async function flatness(stage: Stage): Promise<string> {
  const { base, child } = await stage.open('server', SERVER, ['--expose-gc']);
  const rows: string[][] = [];
  for (let step = 1; step <= STEPS; step++) {
    await stage.load.ask('run', { base, atOnce: AT_ONCE, logins: Math.ceil(LOGINS / STEPS) });
    const { heapUsed, rss } = await child.usage();
    rows.push([`${Math.ceil(LOGINS / STEPS) * step}`, mb(heapUsed), mb(rss)]);
  }
  await child.stop();
  return table(['logins', 'heap (MB)', 'RSS (MB)'], rows);
}

/** Bytes that Redis keeps for each login, in all, and of that for its limits. */
async function keptOf(stage: Stage, base: string, beginOnly?: Crowd['beginOnly']): Promise<[number, number]> {
  const used = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await stage.redis.info('memory'))?.[1]);
  await stage.redis.flushall();
  const before = await used();
  await stage.load.ask('run', { base, atOnce: AT_ONCE, logins: LOGINS, beginOnly });
  const all = await used();
  await stage.redis.del(...(await stage.redis.keys('limit:*')));
  return [(all - before) / LOGINS, (all - (await used())) / LOGINS];
}

/** What Redis keeps for a login that was begun and not gone on with, and for a user who is logged in. */
async function kept(stage: Stage): Promise<string> {
  const { base, child, db } = await stage.open('kept', SERVER, [], { TRUST_PROXY: '1' });
  await stage.redis.select(db);
  const [pending, ofLimits] = await keptOf(stage, base, 'together');
  const [, ofOwnLimits] = await keptOf(stage, base, 'apart');
  const [whole, ofItsLimits] = await keptOf(stage, base);
  await child.stop();
  return [
    `A pending login takes ${pending.toFixed(0)} bytes of Redis, ${ofLimits.toFixed(0)} of them for its limits, of which it has ${ofOwnLimits.toFixed(0)}`,
    `where each comes from an address range of its own (${LOGINS} were begun). A million are ${mb(pending * 1e6)} MB.`,
    `A user who is logged in takes ${(whole - ofItsLimits).toFixed(0)} bytes.`,
  ].join('\n');
}

/** Milliseconds from the start of the process to its word that it listens. */
async function startOnce(redisUrl: string): Promise<number> {
  const env = settings({ port: await freePort(), redisUrl, upstream: 'http://127.0.0.1:9' });
  const begunAt = performance.now();
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  for await (const line of child.stdout) if (String(line).includes('listening')) break;
  const took = performance.now() - begunAt;
  child.kill('SIGKILL');
  await gone;
  return took;
}

async function starts(): Promise<string> {
  const redis = await startRedis();
  const took: number[] = [];
  for (let start = 0; start < Number(options.starts); start++) took.push(await startOnce(redis.url));
  await redis.stop();
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return `From start to listening: ${ms(median(took))} (${ms(Math.min(...took))} to ${ms(Math.max(...took))}, ${took.length} starts).`;
}

console.log([machine(), '', await starts()].join('\n'));
const stage = await openStage();
try {
  console.log(['', await flatness(stage), '', await kept(stage)].join('\n'));
} finally {
  await stage.close();
}
