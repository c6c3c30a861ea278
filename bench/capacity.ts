import { LIVES, USE, type Figures } from './figures.js';

/** What so many logins need. */
export interface Capacity {
  perMinute: number;
  perSecond: number;
  /** Cores that are busy, and processes to have: never fewer than two, so that one may fail. */
  serverCores: number;
  processes: number;
  redisCores: number;
  redisCommands: number;
  /** Primaries, each of which wants a replica. */
  primaries: number;
  /** Gigabytes that lie in all primaries, and that each primary should have. */
  redisGb: number;
  gbOfPrimary: number;
  /** `UPSTREAM_PER_SECOND`: what Vonage has to allow of each of the three calls. */
  upstreamPerSecond: number;
  /** Calls to Vonage that are under way at once, which is how many connections are open. */
  upstreamConnections: number;
  redisConnections: number;
}

/** Everybody who logs in leaves a session for half an hour at least; what counts logins lies for ten minutes. */
export function capacityFor(perMinute: number, figures: Figures): Capacity {
  const perSecond = perMinute / 60;
  const serverCores = (perSecond * figures.serverCpuUs) / 1e6;
  const redisCores = (perSecond * figures.redisCpuUs) / 1e6;
  const processes = Math.max(2, Math.ceil(serverCores / USE.process) + 1);
  const primaries = Math.max(1, Math.ceil(redisCores / USE.redis));
  const bytes = LIVES.session * figures.pendingBytes + LIVES.account * figures.limitsBytes;
  const redisGb = (perSecond * bytes) / 1e9;
  const upstreamPerSecond = Math.max(10, Math.ceil(perSecond / USE.upstream));
  return {
    ...{ perMinute, perSecond, serverCores, processes, redisCores, primaries, redisGb, upstreamPerSecond },
    redisCommands: perSecond * figures.redisCommands,
    gbOfPrimary: redisGb / primaries / USE.memory,
    upstreamConnections: Math.ceil((perSecond * figures.upstreamCalls * figures.upstreamMs) / 1000),
    redisConnections: processes * primaries,
  };
}

/** How many logins a minute each thing bears that there is one of, at its very end and by the defaults. */
export const ends = (figures: Figures): [string, number][] => [
  ['`UPSTREAM_PER_SECOND=10`, the default', 10 * 60],
  ['one process', (60 * 1e6) / figures.serverCpuUs],
  ['one primary of Redis', (60 * 1e6) / figures.redisCpuUs],
  [
    'the counters of logins, which are one key',
    (60 * 1e6) / (figures.scriptCpuUs + figures.redisCpuUs / figures.redisCommands),
  ],
];
