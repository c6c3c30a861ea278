import { parseArgs } from 'node:util';
import { COMMANDS, type Options } from './commands.js';
import { Unusable, wordsOf } from './unusable.js';

export const USAGE = `Usage: npm run templates -- <command> [--file templates.json]
  plan  [--prune] [--check]  shows what apply would change, and changes nothing; with --check exits 1 if that is something
  apply [--prune]            makes the account as the file says; --prune removes what is not in the file
  pull                       writes the file from what is in the account`;

/** An option that a command does not have is refused: `apply --check` would change what somebody meant to check. */
const OPTIONS: Record<keyof typeof COMMANDS, readonly string[]> = {
  plan: ['file', 'prune', 'check'],
  apply: ['file', 'prune'],
  pull: ['file'],
};

const isCommand = (text: string | undefined): text is keyof typeof COMMANDS =>
  text !== undefined && Object.hasOwn(COMMANDS, text);

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        file: { type: 'string' },
        prune: { type: 'boolean' },
        check: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Unusable(`${wordsOf(error)}\n${USAGE}`);
  }
};

/**
 * Reads the command line.
 * @returns undefined where help is asked for
 * @throws Unusable where it is no command
 */
export function readArguments(
  args: readonly string[],
): { command: keyof typeof COMMANDS; options: Options } | undefined {
  const { values, positionals } = parse(args);
  const { help, ...given } = values;
  if (help) return undefined;
  const [command, ...rest] = positionals;
  if (!isCommand(command) || rest.length > 0) throw new Unusable(USAGE);
  const odd = Object.keys(given).find((name) => !OPTIONS[command].includes(name));
  if (odd !== undefined) throw new Unusable(`${command} has no option --${odd}.\n${USAGE}`);
  return { command, options: { file: 'templates.json', prune: false, check: false, ...given } };
}
