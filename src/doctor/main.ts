import '../quiet.js';
import { pino } from 'pino';
import { systemWorld } from '../world.js';
import { runDoctor } from './run.js';

process.exitCode = await runDoctor(process.argv.slice(2), {
  env: process.env,
  world: systemWorld(pino({ level: 'silent' })),
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
});
