import type { Redis } from 'ioredis';
import type { LoadResult } from './load.js';
import type { Contestant, Environment } from './environment.js';

/** The conditions of a measurement. */
export interface Cell {
  /** Milliseconds that the upstream takes for each call. */
  delayMs: number;
  atOnce: number;
}

/** User and system time by process (µs). */
export interface Cpu {
  contestant: number;
  redis: number;
  upstream: number;
  load: number;
}

/** One round of one contestant. */
export interface Round {
  logins: number;
  elapsedMs: number;
  cpu: Cpu;
  /** Milliseconds of each login without the delays of the upstream. */
  added: number[];
  calls: number;
  connections: number;
  /** Bytes at the end of the round. */
  rss: number;
}

export async function measureRound(
  environment: Environment,
  { contestant, cell, seconds }: { contestant: Contestant; cell: Cell; seconds: number },
): Promise<Round> {
  const { delayMs, atOnce } = cell;
  await environment.upstream.ask('delay', { ms: delayMs });
  const before = await read(environment, contestant);
  const load = { base: contestant.base, atOnce, seconds, spreadMs: 3 * delayMs };
  const { took, numbers, elapsedMs } = await environment.load.ask<LoadResult>('run', load);
  const delays = await environment.upstream.ask<Record<string, number>>('delays');
  const after = await read(environment, contestant);
  const used = (who: keyof Cpu): number => after.cpu[who] - before.cpu[who];
  return {
    logins: took.length,
    elapsedMs,
    cpu: {
      contestant: used('contestant'),
      redis: used('redis'),
      upstream: used('upstream'),
      load: used('load'),
    },
    added: took.map((ms, at) => ms - (delays[numbers[at]?.slice(1) ?? ''] ?? 0)),
    calls: after.calls - before.calls,
    connections: after.connections - before.connections,
    rss: after.rss,
  };
}

async function read(environment: Environment, { child }: Contestant) {
  const counts = await environment.upstream.ask<{ calls: number; connections: number }>('counts');
  const [own, upstream, load] = await Promise.all([
    child.usage(),
    environment.upstream.usage(),
    environment.load.usage(),
  ]);
  const redis = await cpuOfRedis(environment.redis);
  return {
    ...counts,
    rss: own.rss,
    cpu: { contestant: own.cpu, upstream: upstream.cpu, load: load.cpu, redis },
  };
}

/** `used_cpu_sys` and `used_cpu_user` of INFO, in seconds. */
export async function cpuOfRedis(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const seconds = [...info.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, value]) => Number(value));
  return seconds.reduce((sum, each) => sum + each, 0) * 1e6;
}
