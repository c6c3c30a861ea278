import { pino } from 'pino';
import { systemWorld } from '../world.js';
import { runCommand } from './command.js';

// The settings of the server, where they are in a file. What is set in the environment already is not overwritten.
try {
  process.loadEnvFile();
} catch (error) {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (!isMissing) throw error;
}

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  world: systemWorld(pino({ level: 'silent' })),
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
