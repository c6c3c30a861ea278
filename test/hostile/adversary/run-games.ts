import fc from 'fast-check';
import type { EngineName } from '../../../src/config/login.js';
import { ENGINES } from '../../../src/login/engines.js';
import { openEnvironment, type Environment, type Field } from './environment.js';
import { createGame } from './game.js';
import { games, type Game } from './moves.js';

export interface Hunt extends Omit<Field, 'stepUp'> {
  stepUp?: boolean;
  /** How many games are played. */
  runs: number;
  /** The same seed draws the same games. */
  seed: number;
  /** Games that are played first. */
  known?: readonly Game[];
  /** Gives up at the first break, without looking for a shorter game that shows it. */
  hasty?: boolean;
}

/** Every engine over every store, and with a hook that wants a code on top of the SIM. */
export const FIELDS: readonly Field[] = (Object.keys(ENGINES) as EngineName[]).flatMap((engine) => [
  ...(['redis', 'memory'] as const).map((store) => ({ engine, store, stepUp: false })),
  ...(engine === 'off' ? [] : [{ engine, store: 'memory' as const, stepUp: true }]),
]);

export interface Catch {
  /** What was broken, and how to see it again; absent where nothing was. */
  broken?: string;
  played: number;
  /** How often what was reached. */
  counts: ReadonlyMap<string, number>;
}

/**
 * Plays games of chance against one engine over one store, until one breaks a rule or all are
 * played.
 */
export async function hunt({ runs, seed, known = [], hasty = false, ...where }: Hunt): Promise<Catch> {
  const { engine, store, stepUp = false } = where;
  const counts = new Map<string, number>();
  const environment = await openEnvironment({ engine, store, stepUp }, counts);
  try {
    const property = fc.asyncProperty(games(engine), (game) => playThrough(environment, game));
    const examples = known.map((game): [Game] => [game]);
    const run = await fc.check(property, {
      numRuns: runs + examples.length,
      seed,
      examples,
      endOnFailure: hasty,
    });
    if (!run.failed) return { played: run.numRuns, counts };
    return { broken: tell({ engine, store, stepUp }, run), played: run.numRuns, counts };
  } finally {
    await environment.close();
  }
}

/** @throws Error in the words of the oracle, when a move breaks a rule */
async function playThrough(environment: Environment, game: Game): Promise<void> {
  await environment.renew();
  const { move } = createGame(environment);
  for (const [at, each] of game.entries()) {
    const broken = await move(each, at === game.length - 1);
    if (broken !== undefined) throw new Error(`${broken} (after move ${at + 1} of ${game.length})`);
  }
}

/**
 * Everything that is needed to see it again: the seed and path for fast-check, and the game
 * itself for the regressions.
 */
function tell({ engine, store, stepUp }: Field, run: fc.RunDetails<[Game]>): string {
  const cause = run.errorInstance instanceof Error ? run.errorInstance.message : String(run.errorInstance);
  return [
    `${cause}, with ${engine} over ${store}${stepUp ? ' and a step-up' : ''}`,
    `seed ${run.seed}, path ${run.counterexamplePath ?? ''}, ${run.numShrinks} times shrunk to`,
    ...(run.counterexample?.[0] ?? []).map((move) => `  ${JSON.stringify(move)},`),
  ].join('\n');
}
