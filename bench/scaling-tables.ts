import { capacityFor, ends, type Capacity } from './capacity.js';
import { USE, type Figures } from './figures.js';
import { randomFrom, recoveryOf, turnsOf, waitsAt } from './simulation.js';
import { table } from './statistics.js';

const SEED = 2025;
const PER_MINUTE = [100, 10_000, 1_000_000];

const count = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`;

/** Each table of docs/scaling.md, by the name it stands under there. The same figures give the same tables. */
export async function tablesOf(figures: Figures): Promise<Record<string, string>> {
  return {
    login: loginTable(figures),
    capacity: capacityTable(figures),
    ends: endsTable(figures),
    waits: waitsTable(figures),
    turns: await turnsTable(figures),
    failover: failoverTable(figures),
  };
}

const loginTable = (f: Figures): string =>
  table(
    ['what', 'how much'],
    [
      ['CPU of a server process, for a login', `${count(f.serverCpuUs)} µs`],
      ['CPU of Redis', `${count(f.redisCpuUs)} µs`],
      ['commands of Redis', `${f.redisCommands}`],
      ['calls to Vonage', `${f.upstreamCalls}`],
      ['bytes of Redis for its limits, for up to ten minutes', count(f.limitsBytes)],
      ['bytes of Redis while it is pending, beside those', count(f.pendingBytes)],
      ['bytes of Redis for a user who is logged in', count(f.userBytes)],
      ['memory of a server process', `${f.processMb} MB`],
    ],
  );

const ROWS: [string, (capacity: Capacity) => string][] = [
  ['logins a second', (c) => count(c.perSecond, c.perSecond < 10 ? 1 : 0)],
  ['cores that servers keep busy', (c) => count(c.serverCores, 2)],
  [`server processes, at ${percent(USE.process)} and one to spare`, (c) => count(c.processes)],
  ['cores that Redis keeps busy', (c) => count(c.redisCores, 3)],
  ['commands of Redis a second', (c) => count(c.redisCommands)],
  [`primaries of Redis, at ${percent(USE.redis)}; each with a replica`, (c) => count(c.primaries)],
  ['GB that lie in Redis, in all', (c) => count(c.redisGb, 3)],
  [`GB of each primary, at ${percent(USE.memory)}`, (c) => count(c.gbOfPrimary, 2)],
  [
    `\`UPSTREAM_PER_SECOND\`, at ${percent(USE.upstream)}: to be allowed of each of the three calls`,
    (c) => count(c.upstreamPerSecond),
  ],
  ['connections to Vonage', (c) => count(c.upstreamConnections)],
  ['connections to Redis', (c) => count(c.redisConnections)],
];

function capacityTable(figures: Figures): string {
  const capacities = PER_MINUTE.map((perMinute) => capacityFor(perMinute, figures));
  const head = ['logins a minute', ...capacities.map(({ perMinute }) => count(perMinute))];
  return table(
    head,
    ROWS.map(([name, of]) => [name, ...capacities.map(of)]),
  );
}

const endsTable = (figures: Figures): string =>
  table(
    ['what', 'ends at so many logins a minute'],
    ends(figures)
      .sort(([, one], [, other]) => one - other)
      .map(([name, perMinute]) => [name, count(perMinute)]),
  );

function waitsTable({ serverCpuUs, redisCpuUs, redisCommands }: Figures): string {
  const random = randomFrom(SEED);
  const means = [serverCpuUs / 3000, redisCpuUs / redisCommands / 1000];
  return table(
    ['in use', 'request p50', 'request p99 (ms)', 'command p50', 'command p99 (ms)'],
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
  return table(['turns asked for', 'waited for the next second', 'refused'], rows);
}

function failoverTable(figures: Figures): string {
  const rows = PER_MINUTE.map((perMinute) => {
    const { perSecond, primaries, processes, upstreamPerSecond } = capacityFor(perMinute, figures);
    // A login needs five keys: its account, two tickets, and a session before and after.
    const hit = 1 - (1 - 1 / primaries) ** 5;
    const most = Math.min(upstreamPerSecond, (processes * 1e6) / figures.serverCpuUs);
    const { refused, seconds } = recoveryOf(perSecond, most, figures.failoverMs, hit);
    return [count(perMinute), count(primaries), percent(hit), count(refused), seconds.toFixed(1)];
  });
  return table(
    ['logins a minute', 'primaries', 'logins that need the one', 'refused', 'all served after (s)'],
    rows,
  );
}
