import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { watchCommands, type Commands } from './commands.js';
import { listenForNoise } from './noise.js';
import { commandsOf, machine, spreadOfFloor, tableOf, type Result } from './report.js';
import { cpuOfRedis, playRound, type Cell, type Round } from './round.js';
import { openStage, type Contestant, type Stage } from './stage.js';

/**
 * `npm run bench -- [--rounds 3] [--seconds 3] [--warm-up 10000] [--at-once 1,16,64,256] [--delays 0,50] [--server dist/main.js]…`
 *
 * Several servers are measured beside each other. More and longer rounds are for a noisier machine.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    /** Of a round. */
    seconds: { type: 'string', default: '3' },
    /** Logins of each contestant before anything is measured: compiled code is what a server runs all day. */
    'warm-up': { type: 'string', default: '10000' },
    'at-once': { type: 'string', default: '1,16,64,256' },
    /** Milliseconds. */
    delays: { type: 'string', default: '0,50' },
    server: { type: 'string', multiple: true, default: ['dist/main.js'] },
  },
});
const numbers = (list: string): number[] => list.split(',').map(Number);

/** One cell: its rounds go from one contestant to the next, so that all of them see the same noise. */
async function playCell(stage: Stage, contestants: Contestant[], cell: Cell): Promise<Result[]> {
  const played = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const contestant of contestants) {
      const result = await playRound(stage, contestant, cell, Number(options.seconds));
      played.get(contestant.name)?.push(result);
    }
  }
  const floor = played.get('floor') ?? [];
  return [...played].map(([name, rounds]) => ({ name, cell, rounds, floor }));
}

async function play(stage: Stage): Promise<void> {
  const contestants = [await stage.open('floor')];
  for (const file of options.server) contestants.push(await stage.open(file, resolve(file)));
  const watched: [string, Commands][] = [];
  for (const contestant of contestants) {
    await stage.load.ask('run', { base: contestant.base, atOnce: 64, logins: Number(options['warm-up']) });
    watched.push([contestant.name, await watchCommands(stage, contestant)]);
  }
  const noise = listenForNoise();
  const usedBefore = await usedByAll(stage, contestants);
  const results: Result[] = [];
  for (const delayMs of numbers(options.delays)) {
    for (const atOnce of numbers(options['at-once'])) {
      results.push(...(await playCell(stage, contestants, { delayMs, atOnce })));
    }
  }
  const noises = noise((await usedByAll(stage, contestants)) - usedBefore);
  const lines = [
    machine(),
    '',
    tableOf(results),
    '',
    ...commandsOf(watched),
    '',
    spreadOfFloor(results),
    ...noises,
  ];
  console.log(lines.join('\n'));
}

/** Microseconds of user and system time of all our processes. */
async function usedByAll(stage: Stage, contestants: Contestant[]): Promise<number> {
  const children = [stage.upstream, stage.load, ...contestants.map(({ child }) => child)];
  const usages = await Promise.all(children.map((child) => child.usage()));
  return usages.reduce((sum, { cpu }) => sum + cpu, await cpuOfRedis(stage.redis));
}

const stage = await openStage();
try {
  await play(stage);
} finally {
  await stage.close();
}
