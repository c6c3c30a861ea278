import { capacityFor, saturationPoints, type Capacity } from './capacity.js';
import { UTILIZATION, type Figures } from './figures.js';
import { randomFrom, recoveryOf, turnsOf, waitsAt } from './simulation.js';
import { table } from './statistics.js';

const SEED = 2025;
const PER_MINUTE = [100, 10_000, 1_000_000];

const count = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`;

/** The tables of docs/scaling.md by name. The same figures give the same tables. */
export async function tablesOf(figures: Figures): Promise<Record<string, string>> {
  return {
    login: loginTable(figures),
    capacity: capacityTable(figures),
    ends: saturationTable(figures),
    waits: waitsTable(figures),
    turns: await turnsTable(figures),
    failover: failoverTable(figures),
  };
}

const loginTable = (f: Figures): string =>
  table(
    ['resource', 'per login'],
    [
      ['CPU of a server process', `${count(f.serverCpuUs)} µs`],
      ['CPU of Redis', `${count(f.redisCpuUs)} µs`],
      ['Redis commands', `${f.redisCommands}`],
      ['calls to Vonage', `${f.upstreamCalls}`],
      ['bytes of Redis for limits, for up to ten minutes', count(f.limitsBytes)],
      ['bytes of Redis for a pending login, without limits', count(f.pendingBytes)],
      ['bytes of Redis for a logged-in user', count(f.userBytes)],
      ['bytes of Redis for the list of sessions, for twelve hours', count(f.listBytes)],
      ['memory of a server process, in all', `${f.processMb} MB`],
    ],
  );

const ROWS: [name: string, value: (capacity: Capacity) => string][] = [
  ['logins per second', (c) => count(c.perSecond, c.perSecond < 10 ? 1 : 0)],
  ['busy cores of servers', (c) => count(c.serverCores, 2)],
  [`server processes, at ${percent(UTILIZATION.process)} and one in reserve`, (c) => count(c.processes)],
  ['busy cores of Redis', (c) => count(c.redisCores, 3)],
  ['Redis commands per second', (c) => count(c.redisCommands)],
  [`Redis primaries, at ${percent(UTILIZATION.redis)}, each with a replica`, (c) => count(c.primaries)],
  ['GB in Redis, in all', (c) => count(c.redisGb, 3)],
  [`GB of each primary, at ${percent(UTILIZATION.memory)}`, (c) => count(c.gbOfPrimary, 2)],
  [
    `\`UPSTREAM_PER_SECOND\` for each of the three APIs, at ${percent(UTILIZATION.upstream)}`,
    (c) => count(c.upstreamPerSecond),
  ],
  ['connections to Vonage', (c) => count(c.upstreamConnections)],
  ['connections to Redis', (c) => count(c.redisConnections)],
];

function capacityTable(figures: Figures): string {
  const capacities = PER_MINUTE.map((perMinute) => capacityFor(perMinute, figures));
  const head = ['logins per minute', ...capacities.map(({ perMinute }) => count(perMinute))];
  return table(
    head,
    ROWS.map(([name, of]) => [name, ...capacities.map(of)]),
  );
}

const saturationTable = (figures: Figures): string =>
  table(
    ['resource', 'most logins per minute'],
    saturationPoints(figures)
      .sort((one, other) => one.perMinute - other.perMinute)
      .map(({ resource, perMinute }) => [resource, count(perMinute)]),
  );

function waitsTable({ serverCpuUs, redisCpuUs, redisCommands }: Figures): string {
  const random = randomFrom(SEED);
  const means = [serverCpuUs / 3000, redisCpuUs / redisCommands / 1000];
  return table(
    ['utilization', 'request p50', 'request p99 (ms)', 'command p50', 'command p99 (ms)'],
    [0.3, 0.5, 0.6, 0.7, 0.8, 0.9].map((use) => {
      const { p50, p99 } = waitsAt(use, random);
      return [percent(use), ...means.flatMap((mean) => [p50, p99].map((wait) => (wait * mean).toFixed(2)))];
    }),
  );
}

async function turnsTable(figures: Figures): Promise<string> {
  const random = randomFrom(SEED);
  const { upstreamPerSecond } = capacityFor(1_000_000, figures);
  const rows: string[][] = [];
  for (const use of [0.8, 0.9, 1]) {
    const { waited, refused } = await turnsOf({ upstreamPerSecond, use }, random);
    rows.push([percent(use), percent(waited, 1), percent(refused, 2)]);
  }
  return table(['requested turns', 'waited for the next second', 'refused'], rows);
}

function failoverTable(figures: Figures): string {
  const rows = PER_MINUTE.map((perMinute) => {
    const { perSecond, primaries, processes, upstreamPerSecond } = capacityFor(perMinute, figures);
    // A login uses five keys: counters, two tickets, the session, and the list of its number.
    const share = 1 - (1 - 1 / primaries) ** 5;
    const capacity = Math.min(upstreamPerSecond, (processes * 1e6) / figures.serverCpuUs);
    const { refused, seconds } = recoveryOf({ perSecond, capacity, share, downMs: figures.failoverMs });
    return [count(perMinute), count(primaries), percent(share), count(refused), seconds.toFixed(1)];
  });
  return table(
    ['logins per minute', 'primaries', 'logins that need the failed one', 'refused', 'all served after (s)'],
    rows,
  );
}
