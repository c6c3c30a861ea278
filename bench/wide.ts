import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { listenForNoise } from './noise.js';
import type { CrowdResult } from './load.js';
import { machine } from './report.js';
import { cpuOfRedis } from './round.js';
import { openStage, type Contestant, type Stage } from './stage.js';
import { median, spread, table } from './statistics.js';

/**
 * `npm run bench -- wide [--rounds 5] [--seconds 3] [--warm-up 3000] [--per-second 30] [--delay 0] [--server dist/main.js]`
 *
 * Two processes of one server on one Redis. Rounds of one process, now the one and now the other, go in turn with rounds of both, in
 * which the three requests of a login land on either. Logins begin at a rate, `--per-second` for each process: a process that is hurried
 * does more in one go, and a login costs it less.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '3000' },
    'per-second': { type: 'string', default: '30' },
    /** Milliseconds that the upstream takes for each call. */
    delay: { type: 'string', default: '0' },
    server: { type: 'string', default: 'dist/main.js' },
  },
});

/** Of two servers the first is the one that plays alone. */
const WHO = ['a server', 'the other', 'Redis', 'upstream', 'load'] as const;

/** More than are ever under way at such a rate, unless nothing goes on. */
const AT_ONCE = 64;

interface Round {
  logins: number;
  elapsedMs: number;
  /** Microseconds of user and system time, in the order of {@link WHO}. */
  used: number[];
}

const crowdAt = ([first, ...others]: Contestant[]) => ({
  base: first?.base ?? '',
  alsoAt: others.map(({ base }) => base),
});

/** @param playing how many of them are asked, the first of them first */
async function playRound(stage: Stage, pair: Contestant[], playing: number): Promise<Round> {
  const before = await look(stage, pair);
  const { took, elapsedMs } = await stage.load.ask<CrowdResult>('run', {
    ...crowdAt(pair.slice(0, playing)),
    ...{ atOnce: AT_ONCE, perSecond: Number(options['per-second']) * playing },
    seconds: Number(options.seconds),
  });
  const after = await look(stage, pair);
  return { logins: took.length, elapsedMs, used: after.map((cpu, at) => cpu - (before[at] ?? 0)) };
}

async function look(stage: Stage, pair: Contestant[]): Promise<number[]> {
  const ofServers = await Promise.all(pair.map(({ child }) => child.usage()));
  const redis = await cpuOfRedis(stage.redis);
  const around = await Promise.all([stage.upstream.usage(), stage.load.usage()]);
  return [...ofServers.map(({ cpu }) => cpu), redis, ...around.map(({ cpu }) => cpu)];
}

/** CPU of both servers for a login: microseconds. */
const ofServers = ({ used: [a = 0, b = 0], logins }: Round): number => (a + b) / logins;

const rowOf = (name: string, rounds: Round[]): string[] => [
  name,
  `${rounds.reduce((sum, { logins }) => sum + logins, 0)}`,
  median(rounds.map(ofServers)).toFixed(0),
  ...WHO.map((_, at) => median(rounds.map(({ used, logins }) => (used[at] ?? 0) / logins)).toFixed(0)),
  median(rounds.map(({ logins, elapsedMs }) => (logins / elapsedMs) * 1000)).toFixed(0),
];

function told(alone: Round[], both: Round[]): string[] {
  // Each round is compared with the one beside it, so that a noisy moment falls on both.
  const growths = both.map((round, at) => ofServers(round) / ofServers(alone[at] ?? round));
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const head = ['processes', 'logins', 'µs CPU of the servers a login', ...WHO, 'logins/s'];
  return [
    table(head, [rowOf('one', alone), rowOf('two', both)]),
    '',
    `From one process to two a login costs ${percent(median(growths) - 1)} more CPU of the servers (${growths.length} pairs of rounds: ${percent(Math.min(...growths) - 1)} to ${percent(Math.max(...growths) - 1)}).`,
    `Rounds of one process differ by ${percent(spread(alone.map(ofServers)))}, those of two by ${percent(spread(both.map(ofServers)))}.`,
  ];
}

async function play(stage: Stage): Promise<string[]> {
  const file = resolve(options.server);
  const a = await stage.open('server', file);
  const pair = [a, await stage.double(a, file)];
  await stage.upstream.ask('delay', { ms: Number(options.delay) });
  const warmUp = { atOnce: 8, logins: Number(options['warm-up']) * 2 };
  await stage.load.ask('run', { ...crowdAt(pair), ...warmUp });
  const [alone, both]: [Round[], Round[]] = [[], []];
  const noise = listenForNoise();
  for (let round = 0; round < Number(options.rounds); round++) {
    alone.push(await playRound(stage, pair, 1));
    both.push(await playRound(stage, pair, 2));
    pair.reverse();
  }
  const ours = [...alone, ...both].flatMap(({ used }) => used).reduce((sum, each) => sum + each, 0);
  return [machine(), '', ...told(alone, both), ...noise(ours)];
}

const stage = await openStage();
try {
  console.log((await play(stage)).join('\n'));
} finally {
  await stage.close();
}
