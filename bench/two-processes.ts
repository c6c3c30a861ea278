import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { watchMachineLoad } from './machine-load.js';
import type { LoadResult } from './load.js';
import { machine } from './report.js';
import { cpuOfRedis } from './round.js';
import type { Contestant, Environment } from './environment.js';
import { median, spread, table } from './statistics.js';

/**
 * `npm run bench -- two-processes [--rounds 5] [--seconds 3] [--warm-up 3000] [--per-second 30]
 * [--delay 0] [--server dist/main.js]`
 *
 * Compares one server process with two on one Redis. Rounds of one process alternate with rounds of
 * both, in which the three requests of a login alternate between the processes. Logins begin at a
 * fixed rate for each process, because a login costs a busier process less.
 */
const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
  'warm-up': { type: 'string', default: '3000' },
  'per-second': { type: 'string', default: '30' },
  /** Milliseconds that the upstream takes for each call. */
  delay: { type: 'string', default: '0' },
  server: { type: 'string', default: 'dist/main.js' },
} as const;

/** In the rounds of one process, the first server is the one that is used. */
const PROCESSES = ['a server', 'the other', 'Redis', 'upstream', 'load'] as const;

/** More than the concurrent logins at such a rate. */
const AT_ONCE = 64;

interface Round {
  logins: number;
  elapsedMs: number;
  /** User and system time (µs), in the order of {@link PROCESSES}. */
  used: number[];
}

const addressesOf = ([first, ...others]: Contestant[]) => ({
  base: first?.base ?? '',
  alsoAt: others.map(({ base }) => base),
});

interface Pace {
  /** How many servers of the pair get requests, beginning with the first. */
  count: number;
  /** Logins that begin at each of them. */
  perSecond: number;
  seconds: number;
}

async function measureRound(
  environment: Environment,
  pair: Contestant[],
  { count, perSecond, seconds }: Pace,
): Promise<Round> {
  const before = await readCpu(environment, pair);
  const { took, elapsedMs } = await environment.load.ask<LoadResult>('run', {
    ...addressesOf(pair.slice(0, count)),
    ...{ atOnce: AT_ONCE, perSecond: perSecond * count, seconds },
  });
  const after = await readCpu(environment, pair);
  return { logins: took.length, elapsedMs, used: after.map((cpu, at) => cpu - (before[at] ?? 0)) };
}

async function readCpu(environment: Environment, pair: Contestant[]): Promise<number[]> {
  const ofServers = await Promise.all(pair.map(({ child }) => child.usage()));
  const redis = await cpuOfRedis(environment.redis);
  const around = await Promise.all([environment.upstream.usage(), environment.load.usage()]);
  return [...ofServers.map(({ cpu }) => cpu), redis, ...around.map(({ cpu }) => cpu)];
}

/** CPU time of both servers per login (µs). */
const serversPerLogin = ({ used: [a = 0, b = 0], logins }: Round): number => (a + b) / logins;

const rowOf = (name: string, rounds: Round[]): string[] => [
  name,
  `${rounds.reduce((sum, { logins }) => sum + logins, 0)}`,
  median(rounds.map(serversPerLogin)).toFixed(0),
  ...PROCESSES.map((_, at) => median(rounds.map(({ used, logins }) => (used[at] ?? 0) / logins)).toFixed(0)),
  median(rounds.map(({ logins, elapsedMs }) => (logins / elapsedMs) * 1000)).toFixed(0),
];

function report(one: Round[], two: Round[]): string[] {
  // Each round is compared with the adjacent one, so that a busy moment affects both.
  const growths = two.map((round, at) => serversPerLogin(round) / serversPerLogin(one[at] ?? round));
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const head = ['processes', 'logins', 'µs CPU of the servers per login', ...PROCESSES, 'logins/s'];
  return [
    table(head, [rowOf('one', one), rowOf('two', two)]),
    '',
    `From one process to two a login costs ${percent(median(growths) - 1)} more CPU of the servers (${growths.length} pairs of rounds: ${percent(Math.min(...growths) - 1)} to ${percent(Math.max(...growths) - 1)}).`,
    `Rounds of one process differ by ${percent(spread(one.map(serversPerLogin)))}, those of two by ${percent(spread(two.map(serversPerLogin)))}.`,
  ];
}

/** @returns the report */
export async function compareProcesses(environment: Environment, args: string[]): Promise<string> {
  const { values: options } = parseArgs({ args, options: OPTIONS });
  const pace = { perSecond: Number(options['per-second']), seconds: Number(options.seconds) };
  const file = resolve(options.server);
  const first = await environment.open({ name: 'server', file });
  const pair = [first, await environment.addProcess(first, file)];
  await environment.upstream.ask('delay', { ms: Number(options.delay) });
  const warmUp = { atOnce: 8, logins: Number(options['warm-up']) * 2 };
  await environment.load.ask('run', { ...addressesOf(pair), ...warmUp });
  const one: Round[] = [];
  const two: Round[] = [];
  const machineLoad = watchMachineLoad();
  for (let round = 0; round < Number(options.rounds); round++) {
    one.push(await measureRound(environment, pair, { ...pace, count: 1 }));
    two.push(await measureRound(environment, pair, { ...pace, count: 2 }));
    pair.reverse();
  }
  const ours = [...one, ...two].flatMap(({ used }) => used).reduce((sum, each) => sum + each, 0);
  return [machine(), '', ...report(one, two), ...machineLoad(ours)].join('\n');
}
