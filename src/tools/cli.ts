#!/usr/bin/env node
import '../config/no-debug.js';
import { readFileSync } from 'node:fs';
import { processTerminal, type Command } from './command.js';

/** Each command with its summary. A command is loaded when it is called. */
const COMMANDS = new Map<string, readonly [summary: string, load: () => Promise<Command>]>([
  ['serve', ['runs the server', async () => (await import('./programs.js')).serve]],
  [
    'sandbox',
    [
      'runs the sandbox, which plays Vonage and the operator',
      async () => (await import('./programs.js')).sandbox,
    ],
  ],
  ['demo', ['runs server and sandbox with nothing configured', async () => (await import('./demo.js')).demo]],
  [
    'phone',
    [
      "logs a number in, as an app with Vonage's SDK does",
      async () => (await import('./phone/phone.js')).phone,
    ],
  ],
  [
    'doctor',
    [
      'checks a deployment, and says how to correct it',
      async () => (await import('./doctor/doctor.js')).doctor,
    ],
  ],
  [
    'templates',
    [
      "keeps the account's message templates as a file says",
      async () => (await import('./templates/templates.js')).templates,
    ],
  ],
  [
    'report',
    ['says how often silent login worked, by the metrics', async () => (await import('./report.js')).report],
  ],
]);

const usage = (): string => `Usage: silent-auth <command>

${[...COMMANDS].map(([name, [summary]]) => `  ${name.padEnd(9)}  ${summary}`).join('\n')}

silent-auth <command> --help says more. silent-auth --version prints the version.`;

const version = (): string => {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
};

const [name = '', ...args] = process.argv.slice(2);
const terminal = processTerminal();
const command = COMMANDS.get(name);
if (command) {
  const [, load] = command;
  process.exitCode = await (await load())(args, terminal);
} else if (name === '--help') terminal.out(usage());
else if (name === '--version') terminal.out(version());
else {
  const problem = name.startsWith('-') ? 'Unknown option' : 'Unknown command';
  terminal.err(`${name === '' ? 'A command is missing.' : `${problem}: ${name}.`}\n${usage()}`);
  process.exitCode = 2;
}
