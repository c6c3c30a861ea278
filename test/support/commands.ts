import { pino } from 'pino';
import { systemWorld } from '../../src/core/world.js';
import type { Env } from '../../src/config/reader.js';
import type { Command } from '../../src/tools/command.js';

/** Runs a command in this process, by default without environment variables. */
export async function runCommand(command: Command, args: readonly string[], env: Env = {}) {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const world = systemWorld(pino({ level: 'silent' }));
  const code = await command(args, { env, world, out: write, err: write });
  return { code, output: lines.join('\n') };
}
