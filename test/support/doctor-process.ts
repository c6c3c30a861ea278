import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { doctor } from '../../src/tools/doctor/doctor.js';
import { systemWorld } from '../../src/core/world.js';

/** Runs `doctor` for each line of input, `{args, env}`, and prints a line `{code, text}`. */
const world = systemWorld(pino({ level: 'silent' }));
for await (const line of createInterface({ input: process.stdin })) {
  const { args, env } = JSON.parse(line) as { args: string[]; env: Record<string, string> };
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const code = await doctor(args, { env, world, out: say, err: say });
  process.stdout.write(`${JSON.stringify({ code, text: said.join('\n') })}\n`);
}
