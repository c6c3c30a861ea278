import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { watchCommands } from './commands.js';
import { watchMachineLoad } from './machine-load.js';
import { besidePeers, commandsOf, machine, spreadOfFloor, tableOf } from './report.js';
import type { NamedCommands, Result } from './report.js';
import { cpuOfRedis, measureRound, type Cell, type Round } from './round.js';
import type { Contestant, Environment } from './environment.js';

/**
 * `npm run bench -- [--rounds 3] [--seconds 3] [--warm-up 10000] [--at-once 1,16,64,256]
 * [--delays 0,50] [--server dist/main.js]… [--peers]`
 *
 * Measures the logins of one or more servers beside those of the floor, and with `--peers` beside
 * the same steps by the packages of the server alone, by the vendor's Node SDK, and as its tutorial
 * writes them. On a busy machine, use more and longer rounds.
 */
const OPTIONS = {
  rounds: { type: 'string', default: '3' },
  /** Of a round. */
  seconds: { type: 'string', default: '3' },
  /** Logins of each contestant before the first round, so that V8 has compiled the code. */
  'warm-up': { type: 'string', default: '10000' },
  'at-once': { type: 'string', default: '1,16,64,256' },
  /** Milliseconds that the upstream takes for each call. */
  delays: { type: 'string', default: '0,50' },
  server: { type: 'string', multiple: true, default: ['dist/main.js'] as string[] },
  peers: { type: 'boolean', default: false },
} as const;

const PEERS = { 'same packages': 'packages.ts', 'vendor SDK': 'vendor-sdk.ts', tutorial: 'tutorial.ts' };
const peerFile = (name: string): string => fileURLToPath(new URL(`peers/${name}`, import.meta.url));
const numbers = (list: string): number[] => list.split(',').map(Number);

/**
 * The contestants take turns round by round, so that load of other programs affects all of them.
 */
async function measureCell(
  environment: Environment,
  contestants: Contestant[],
  { cell, count, seconds }: { cell: Cell; count: number; seconds: number },
): Promise<Result[]> {
  const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < count; round++) {
    for (const contestant of contestants) {
      const result = await measureRound(environment, { contestant, cell, seconds });
      rounds.get(contestant.name)?.push(result);
    }
  }
  const floor = rounds.get('floor') ?? [];
  return [...rounds].map(([name, own]) => ({ name, cell, rounds: own, floor }));
}

/** @returns the report */
export async function compareLogins(environment: Environment, args: string[]): Promise<string> {
  const { values: options } = parseArgs({ args, options: OPTIONS });
  const [count, seconds] = [Number(options.rounds), Number(options.seconds)];
  const contestants = [await environment.open({ name: 'floor' })];
  for (const file of options.server)
    contestants.push(await environment.open({ name: file, file: resolve(file) }));
  for (const [name, file] of options.peers ? Object.entries(PEERS) : []) {
    const peer = { name, file: peerFile(file), nodeFlags: ['--import', 'tsx'] };
    contestants.push(await environment.open(peer));
  }
  const commands: NamedCommands[] = [];
  for (const contestant of contestants) {
    await environment.load.ask('run', {
      base: contestant.base,
      atOnce: 64,
      logins: Number(options['warm-up']),
    });
    const { name } = contestant;
    // Peers differ from the server in what they store.
    if (!(name in PEERS)) commands.push({ name, ...(await watchCommands(environment, contestant)) });
  }
  const machineLoad = watchMachineLoad();
  const usedBefore = await usedByAll(environment, contestants);
  const results: Result[] = [];
  for (const delayMs of numbers(options.delays)) {
    for (const atOnce of numbers(options['at-once'])) {
      const cell = { delayMs, atOnce };
      results.push(...(await measureCell(environment, contestants, { cell, count, seconds })));
    }
  }
  const otherLoad = machineLoad((await usedByAll(environment, contestants)) - usedBefore);
  return [
    machine(),
    '',
    tableOf(results),
    '',
    ...besidePeers(results, Object.keys(PEERS)),
    ...commandsOf(commands),
    '',
    spreadOfFloor(results),
    ...otherLoad,
  ].join('\n');
}

/** User and system time of all processes of the bench (µs). */
async function usedByAll(environment: Environment, contestants: Contestant[]): Promise<number> {
  const children = [environment.upstream, environment.load, ...contestants.map(({ child }) => child)];
  const usages = await Promise.all(children.map((child) => child.usage()));
  return usages.reduce((sum, { cpu }) => sum + cpu, await cpuOfRedis(environment.redis));
}
