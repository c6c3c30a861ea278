import { cpus, totalmem, type } from 'node:os';
import type { Commands } from './commands.js';
import type { Cell, Round } from './round.js';
import { median, quantile, spread, table } from './statistics.js';

/**
 * The rounds of one contestant in one cell. `floor` holds the round of the floor before each of
 * them.
 */
export interface Result {
  name: string;
  cell: Cell;
  rounds: Round[];
  floor: Round[];
}

const perLogin = ({ cpu, logins }: Round): number => cpu.contestant / logins;
const whole = (value: number): string => value.toFixed(0);
const over = (rounds: Round[], of: (round: Round) => number): number => median(rounds.map(of));

const HEAD = [
  ...['delay, at once', 'server', 'µs CPU per login', '× floor', 'logins/s', 'added p50', 'added p99 (ms)'],
  ...['calls', 'connections', 'µs Redis', 'µs upstream', 'µs load', 'RSS (MB)'],
];

export const tableOf = (results: readonly Result[]): string => table(HEAD, results.map(rowOf));

function rowOf({ name, cell, rounds, floor }: Result): string[] {
  const added = rounds.flatMap((round) => round.added);
  // Each round is compared with the adjacent one of the floor, so that a busy moment affects both.
  const ratio = median(rounds.map((round, at) => perLogin(round) / perLogin(floor[at] ?? round)));
  const sum = (of: (round: Round) => number): number => rounds.reduce((all, round) => all + of(round), 0);
  return [
    `${cell.delayMs} ms, ${cell.atOnce}`,
    name,
    whole(over(rounds, perLogin)),
    ratio.toFixed(2),
    whole(over(rounds, ({ logins, elapsedMs }) => (logins / elapsedMs) * 1000)),
    quantile(added, 0.5).toFixed(1),
    quantile(added, 0.99).toFixed(1),
    (sum(({ calls }) => calls) / sum(({ logins }) => logins)).toFixed(2),
    `${sum(({ connections }) => connections)}`,
    ...(['redis', 'upstream', 'load'] as const).map((who) =>
      whole(over(rounds, (r) => r.cpu[who] / r.logins)),
    ),
    whole(Math.max(...rounds.map(({ rss }) => rss)) / 1e6),
  ];
}

/** The CPU of the first server per login, as a share of that of each peer, in each cell. */
export function besidePeers(results: readonly Result[], peers: readonly string[]): string[] {
  const server = results.find(({ name }) => name !== 'floor')?.name;
  return results
    .filter(({ name }) => peers.includes(name))
    .map((peer) => {
      const own = results.find(({ name, cell }) => name === server && cell === peer.cell);
      const shares = peer.rounds.map((round, at) => perLogin(own?.rounds[at] ?? round) / perLogin(round));
      const { delayMs, atOnce } = peer.cell;
      return `${server}: ${median(shares).toFixed(2)} × ${peer.name} (${delayMs} ms, ${atOnce} at once)`;
    });
}

/** The commands of a login, with the name of the server. */
export interface NamedCommands extends Commands {
  name: string;
}

export const commandsOf = (servers: readonly NamedCommands[]): string[] =>
  servers.map(
    ({ name, sent, inScripts, names }) =>
      `Redis commands of a login, ${name}: ${sent} sent, ${inScripts} inside scripts. ${names}`,
  );

/** How much the rounds of the floor differ: the precision of the ratios. */
export function spreadOfFloor(results: readonly Result[]): string {
  const floors = results
    .filter(({ name }) => name === 'floor')
    .map(({ rounds }) => spread(rounds.map(perLogin)));
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return `The floor's own rounds differ by ${percent(median(floors))} (worst: ${percent(Math.max(...floors))}).`;
}

export const machine = (): string =>
  `Node ${process.versions.node}, ${type()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
