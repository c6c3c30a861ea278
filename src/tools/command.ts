import { readFileSync } from 'node:fs';
import { parseArgs, parseEnv, type ParseArgsConfig } from 'node:util';
import { pino } from 'pino';
import type { Env } from '../config/reader.js';
import { parsePhoneNumber } from '../core/phone-number.js';
import { systemWorld, type World } from '../core/world.js';

/** What a command reads from and writes to. */
export interface Terminal {
  env: Env;
  world: World;
  /** Writes a line to stdout. */
  out: (line: string) => void;
  /** Writes a line to stderr. */
  err: (line: string) => void;
}

/** The process's own. A reader that closes the pipe early, as `head` does, ends no command. */
export function processTerminal(): Terminal {
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

/** 2 if the command line is wrong, or the command cannot run. */
export type ExitCode = 0 | 1 | 2;

/** @returns `undefined` for a program that runs until it is stopped */
export type Command = (args: readonly string[], terminal: Terminal) => Promise<ExitCode | undefined>;

/** An error that the user has to correct first. The message says how. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** The command line is wrong. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;
type CommandLine<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: O }>
>;

interface Definition<O extends Options> {
  /**
   * What `--help` prints. The first line is the command line, and is shown with each usage error.
   */
  usage: string;
  options: O;
  run: (line: CommandLine<O>, terminal: Terminal) => Promise<ExitCode | undefined>;
}

/** Makes a command: parses its command line strictly, answers `--help`, and reports errors. */
export const defineCommand =
  <const O extends Options>({ usage, options, run }: Definition<O>): Command =>
  async (args, terminal) => {
    try {
      if (args.includes('--help')) {
        terminal.out(usage);
        return 0;
      }
      return await run(parse(args, options), terminal);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      terminal.err(error.message);
      if (error instanceof UsageError) terminal.err(`${usage.split('\n')[0] ?? ''}\nMore by --help.`);
      return 2;
    }
  };

/** @throws UsageError */
function parse<const O extends Options>(args: readonly string[], options: O): CommandLine<O> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** Refuses arguments that are no options. @throws UsageError */
export function expectNoArguments(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError(`Unexpected argument: ${positionals.join(' ')}.`);
}

/**
 * The URL of the server, or of the routes in another app. It ends in no slash beside that of an
 * origin.
 * @throws UsageError
 */
export function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text.replace(/\/+$/, '')) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.origin + url.pathname === url.href) return url;
  throw new UsageError(
    `${text} is not a base URL such as https://login.example.com or https://example.com/auth.`,
  );
}

/** @throws UsageError for a text that is no phone number */
export function expectPhoneNumber(text: string | undefined): void {
  if (text === undefined || parsePhoneNumber(text) !== undefined) return;
  throw new UsageError(
    `${text} is not a phone number in E.164: +, country code and number, without a national prefix, as +447700900000.`,
  );
}

/** The option of every command that reads settings, and its line in the help. */
export const SETTINGS_OPTION = { settings: { type: 'string' } } as const;
export const SETTINGS_HELP = `--settings  a file with settings, in the format of Node's --env-file. By default .env of the working directory, if it is
              there. Variables of the environment take precedence`;

/**
 * The environment, and what it does not set from the settings file.
 * @throws CommandError where the file cannot be read
 */
export function readSettingsFile(file: string | undefined, env: Env): Env {
  const path = file ?? '.env';
  try {
    // `trimStart` removes a byte order mark, which editors on Windows write.
    return { ...parseEnv(readFileSync(path, 'utf8').trimStart()), ...env };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (file === undefined && isMissing) return env;
    throw new CommandError(`${path} cannot be read: ${messageOf(error)}.`);
  }
}

/** A heading, and its items below it. */
export const listOf = (heading: string, items: readonly string[]): string =>
  [heading, ...items.map((item) => `  - ${item}`)].join('\n');

/** Messages of `fetch` for every failure before and during an answer. Their cause says more. */
const UNSPECIFIC_MESSAGES = ['fetch failed', 'terminated'];

/**
 * The message of an error. When Node has tried all addresses of a host, the error has no message
 * but a code.
 */
export function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const { cause, message, code, name } = error as NodeJS.ErrnoException;
  if (UNSPECIFIC_MESSAGES.includes(message) && cause !== undefined) return messageOf(cause);
  return message || (code ?? name);
}
