import { pino } from 'pino';
import type { Env } from '../config/reader.js';
import { systemWorld, type World } from '../core/world.js';

/** What a command that somebody types is run in. */
export interface Surroundings {
  env: Env;
  world: World;
  /** Say a line, as what was asked for and as what went wrong. */
  out: (line: string) => void;
  err: (line: string) => void;
}

/** Those of this process. Whoever reads may leave early, as `head` does: what is under way is finished all the same. */
export function thisTerminal(): Surroundings {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    env: process.env,
    world: systemWorld(pino({ level: 'silent' })),
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
  };
}
