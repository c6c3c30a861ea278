#!/usr/bin/env node
import '../config/no-debug.js';
import { readFileSync } from 'node:fs';
import { isHelp, processTerminal, type Command } from './command.js';

/** Each command with its summary. A command is loaded when it is called. */
const COMMANDS = new Map<string, readonly [summary: string, load: () => Promise<Command>]>([
  ['serve', ['runs the server', () => import('./programs.js').then((m) => m.serve)]],
  ['sandbox', ['plays Vonage and the operator', () => import('./programs.js').then((m) => m.sandbox)]],
  ['demo', ['runs both, with nothing to configure', () => import('./demo.js').then((m) => m.demo)]],
  ['phone', ["logs in as an app with Vonage's SDK", () => import('./phone/phone.js').then((m) => m.phone)]],
  ['doctor', ['checks a deployment', () => import('./doctor/doctor.js').then((m) => m.doctor)]],
  ['templates', ['manages templates', () => import('./templates/templates.js').then((m) => m.templates)]],
  ['sessions', ['lists and ends sessions', () => import('./sessions.js').then((m) => m.sessions)]],
  ['report', ['counts silent logins', () => import('./report.js').then((m) => m.report)]],
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
} else if (isHelp(name)) terminal.out(usage());
else if (name === '--version') terminal.out(version());
else {
  const problem = name.startsWith('-') ? 'Unknown option' : 'Unknown command';
  terminal.err(`${name === '' ? 'A command is missing.' : `${problem}: ${name}.`}\n${usage()}`);
  process.exitCode = 2;
}
