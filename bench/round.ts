import type { Redis } from 'ioredis';
import type { CrowdResult } from './load.js';
import type { Contestant, Stage } from './stage.js';

/** What the world looks like in which a contestant is measured. */
export interface Cell {
  /** Milliseconds that the upstream takes for each of the three calls. */
  delayMs: number;
  atOnce: number;
}

/** Microseconds of user and system time, by process. */
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
  /** Milliseconds of each login that are not the upstream's delay. */
  added: number[];
  calls: number;
  connections: number;
  /** Bytes at the end. */
  rss: number;
}

export async function playRound(
  stage: Stage,
  contestant: Contestant,
  { delayMs, atOnce }: Cell,
  seconds: number,
): Promise<Round> {
  await stage.upstream.ask('delay', { ms: delayMs });
  const before = await look(stage, contestant);
  const crowd = { base: contestant.base, atOnce, seconds, spreadMs: 3 * delayMs };
  const { took, numbers, elapsedMs } = await stage.load.ask<CrowdResult>('run', crowd);
  const delays = await stage.upstream.ask<Record<string, number>>('delays');
  const after = await look(stage, contestant);
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

async function look(stage: Stage, { child }: Contestant) {
  const counts = await stage.upstream.ask<{ calls: number; connections: number }>('counts');
  const [own, upstream, load] = await Promise.all([
    child.usage(),
    stage.upstream.usage(),
    stage.load.usage(),
  ]);
  const redis = await cpuOfRedis(stage.redis);
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
