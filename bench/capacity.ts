import { TTL_SECONDS, UTILIZATION, type Figures } from './figures.js';

/** The resources that a rate of logins needs. */
export interface Capacity {
  perMinute: number;
  perSecond: number;
  /** Busy cores. */
  serverCores: number;
  /** At least two, so that one may fail. */
  processes: number;
  redisCores: number;
  redisCommands: number;
  /** Each with a replica, which is not counted. */
  primaries: number;
  /** Data in all primaries together (GB). */
  redisGb: number;
  /** Memory that each primary should have (GB). */
  gbOfPrimary: number;
  /** `UPSTREAM_PER_SECOND`: the rate that Vonage has to allow for each of the three calls. */
  upstreamPerSecond: number;
  /** Open connections: concurrent calls to Vonage. */
  upstreamConnections: number;
  redisConnections: number;
}

/** Each login leaves a session for at least half an hour, and counters for ten minutes. */
export function capacityFor(perMinute: number, figures: Figures): Capacity {
  const perSecond = perMinute / 60;
  const serverCores = (perSecond * figures.serverCpuUs) / 1e6;
  const redisCores = (perSecond * figures.redisCpuUs) / 1e6;
  const processes = Math.max(2, Math.ceil(serverCores / UTILIZATION.process) + 1);
  const primaries = Math.max(1, Math.ceil(redisCores / UTILIZATION.redis));
  const bytes = TTL_SECONDS.session * figures.pendingBytes + TTL_SECONDS.limits * figures.limitsBytes;
  const redisGb = (perSecond * bytes) / 1e9;
  const upstreamPerSecond = Math.max(10, Math.ceil(perSecond / UTILIZATION.upstream));
  return {
    ...{ perMinute, perSecond, serverCores, processes, redisCores, primaries, redisGb, upstreamPerSecond },
    redisCommands: perSecond * figures.redisCommands,
    gbOfPrimary: redisGb / primaries / UTILIZATION.memory,
    upstreamConnections: Math.ceil((perSecond * figures.upstreamCalls * figures.upstreamMs) / 1000),
    redisConnections: processes * primaries,
  };
}

/** The most logins a minute that one of each resource can serve, fully used. */
export const saturationPoints = (figures: Figures): { resource: string; perMinute: number }[] => [
  { resource: '`UPSTREAM_PER_SECOND=10`, the default', perMinute: 10 * 60 },
  { resource: 'one process', perMinute: (60 * 1e6) / figures.serverCpuUs },
  { resource: 'one primary of Redis', perMinute: (60 * 1e6) / figures.redisCpuUs },
  {
    resource: 'the counters of logins, which are one key',
    perMinute: (60 * 1e6) / (figures.scriptCpuUs + figures.redisCpuUs / figures.redisCommands),
  },
];
