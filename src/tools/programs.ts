import { existsSync } from 'node:fs';
import { envFileOf, newCredentials } from '../sandbox/credentials.js';
import {
  defineCommand,
  expectNoArguments,
  readSettingsFile,
  SETTINGS_HELP,
  SETTINGS_OPTION,
  writeFile,
  type ExitCode,
  type Terminal,
} from './command.js';

/** A program reads its settings from the environment when it is loaded. */
const addToEnvironment = (file: string | undefined): void =>
  void Object.assign(process.env, readSettingsFile(file, process.env));

export const serve = defineCommand({
  usage: `Usage: silent-auth serve [--settings <file>]
Runs the server until it gets SIGTERM or SIGINT.

  ${SETTINGS_HELP}
  --help      shows this

Reads the settings of .env.example. Exits with 0 when it was stopped, 1 when the settings cannot be used or the port
is taken, 2 when it was called wrongly. Variables that Node itself reads, such as NODE_OPTIONS and NODE_EXTRA_CA_CERTS,
have to be in the environment.`,
  options: SETTINGS_OPTION,
  async run({ values, positionals }) {
    expectNoArguments(positionals);
    addToEnvironment(values.settings);
    await import('../main.js');
    return undefined;
  },
});

export const sandbox = defineCommand({
  usage: `Usage: silent-auth sandbox [--settings <file>] [--init <file>]
Runs the sandbox, which plays Vonage and the operator, until it gets SIGTERM or SIGINT.

  ${SETTINGS_HELP}
  --init      runs nothing: writes a file with new keys and secrets, with which server and sandbox can start, unless
              the file exists
  --help      shows this

Reads SANDBOX_PORT, SANDBOX_PUBLIC_URL, SANDBOX_WEBHOOK_URL, LOG_LEVEL, and of the server's settings PUBLIC_URL,
VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET. Exits with 0 when it was stopped,
1 when the settings cannot be used or the port is taken, 2 when it was called wrongly.`,
  options: { ...SETTINGS_OPTION, init: { type: 'string' } },
  async run({ values, positionals }, terminal) {
    expectNoArguments(positionals);
    if (values.init !== undefined) return writeCredentials(values.init, terminal);
    addToEnvironment(values.settings);
    await import('../sandbox/main.js');
    return undefined;
  },
});

function writeCredentials(file: string, { out }: Terminal): ExitCode {
  if (existsSync(file)) {
    out(`${file} is already there; it was left as it is.`);
    return 0;
  }
  // The flag refuses a file that was created meanwhile; the mode keeps the keys from other users.
  writeFile(file, envFileOf(newCredentials()), { mode: 0o600, flag: 'wx' });
  out(`${file} written: server and sandbox can start.`);
  return 0;
}
