import { LoginError } from '../../core/errors.js';
import type { Surroundings } from '../terminal.js';
import { advise } from './advice.js';
import { USAGE, readArguments } from './arguments.js';
import { COMMANDS, type ExitCode } from './commands.js';
import { reachVonage } from './settings.js';
import { Unusable, listed } from './unusable.js';

/** Runs one command with its arguments. What somebody can mend is said on `err`, in their words. */
export async function runTemplates(
  args: readonly string[],
  { env, world, out, err }: Surroundings,
): Promise<ExitCode> {
  let host = '';
  try {
    const asked = readArguments(args);
    if (asked === undefined) {
      out(USAGE);
      return 0;
    }
    const reached = reachVonage(env, world);
    if ('problems' in reached) throw new Unusable(listed('The settings cannot be used:', reached.problems));
    host = reached.host;
    return await COMMANDS[asked.command](reached.templates, asked.options, { out, err });
  } catch (error) {
    if (error instanceof LoginError) err(advise(error, host));
    else if (error instanceof Unusable) err(error.message);
    else throw error;
    return 2;
  }
}
