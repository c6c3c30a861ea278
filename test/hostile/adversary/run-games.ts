import fc from 'fast-check';
import type { EngineName } from '../../../src/config/login.js';
import { ENGINES } from '../../../src/login/engines.js';
import { openEnvironment, type Environment, type Field } from './environment.js';
import { createGame } from './game.js';
import { games, type Game } from './moves.js';
import { SERVERS, type Servers } from './servers.js';

export interface GameOptions extends Omit<Field, 'stepUp'> {
  stepUp?: boolean;
  /** The number of random games. */
  runs: number;
  seed: number;
  /** Games that are played before the random ones. */
  known?: readonly Game[];
  /** The servers, if they are not those of this checkout. */
  servers?: Servers;
  /** Stops at the first broken rule, without shrinking the game. */
  stopAtFirst?: boolean;
}

/** Every engine with every store, and with a hook that requires a step-up. */
export const FIELDS: readonly Field[] = (Object.keys(ENGINES) as EngineName[]).flatMap((engine) => [
  ...(['redis', 'memory'] as const).map((store) => ({ engine, store, stepUp: false })),
  ...(engine === 'off' ? [] : [{ engine, store: 'memory' as const, stepUp: true }]),
]);

export interface GamesResult {
  /** The broken rule and how to reproduce it. */
  broken?: string;
  played: number;
  /** How often each kind of event was reached. */
  counts: ReadonlyMap<string, number>;
}

/** Plays random games against one engine with one store, until one breaks a rule. */
export async function runGames({
  runs,
  seed,
  known = [],
  stopAtFirst = false,
  servers = SERVERS,
  ...where
}: GameOptions): Promise<GamesResult> {
  const { engine, store, stepUp = false } = where;
  const counts = new Map<string, number>();
  const environment = await openEnvironment({ engine, store, stepUp, servers }, counts);
  try {
    const property = fc.asyncProperty(games(engine), (game) => playThrough(environment, game));
    const examples = known.map((game): [Game] => [game]);
    const run = await fc.check(property, {
      numRuns: runs + examples.length,
      seed,
      examples,
      endOnFailure: stopAtFirst,
    });
    if (!run.failed) return { played: run.numRuns, counts };
    return { broken: describeBreak({ engine, store, stepUp }, run), played: run.numRuns, counts };
  } finally {
    await environment.close();
  }
}

/** @throws Error with the finding of the oracle, if a move breaks a rule */
async function playThrough(environment: Environment, game: Game): Promise<void> {
  await environment.renew();
  const { move } = createGame(environment);
  for (const [at, each] of game.entries()) {
    const broken = await move(each, at === game.length - 1);
    if (broken !== undefined) throw new Error(`${broken} (after move ${at + 1} of ${game.length})`);
  }
}

/** The broken rule, with seed and path for fast-check, and the game for regressions.ts. */
function describeBreak({ engine, store, stepUp }: Field, run: fc.RunDetails<[Game]>): string {
  const cause = run.errorInstance instanceof Error ? run.errorInstance.message : String(run.errorInstance);
  return [
    `${cause}, with ${engine} over ${store}${stepUp ? ' and a step-up' : ''}`,
    `seed ${run.seed}, path ${run.counterexamplePath ?? ''}, ${run.numShrinks} times shrunk to`,
    ...(run.counterexample?.[0] ?? []).map((move) => `  ${JSON.stringify(move)},`),
  ].join('\n');
}
