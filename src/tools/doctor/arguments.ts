import { parseArgs } from 'node:util';
import { baseOf, faultOfNumber } from '../phone/arguments.js';
import { wordsOf } from '../phone/words.js';

export const USAGE = `Usage: npm run doctor -- <base url> [--login <number>] [--settings <file>] [--json]
Looks at a deployment of the server from outside, and at its settings where they are here, and says what is wrong and how to mend it.

  <base url>  where phones and browsers reach the server: its PUBLIC_URL
  --login     begins two logins for this number, walks their links, and gives them up: only so can cookies, the redirect
              URI and addresses be seen. They count for the limits, Vonage is asked for each, and no message is sent. With
              SILENT_AUTH=verify one Verify request is started, which the server cancels half a minute later; where the
              number cannot be silent, Vonage may have gone on to an SMS by then. +99012345678 is Vonage's virtual operator
  --settings  a file with the settings of the server; .env by default, if it is there. The environment goes before it
  --json      prints an array of {check, verdict, says, mend}
  --help      shows this

With settings it also asks Vonage for the templates of the account, which changes and costs nothing, and writes a few keys to Redis that
live for two seconds. The server logs what it refuses. Exits with 0 where there is no mistake, 1 where there is one, 2 when
it was called wrongly. Where NODE_EXTRA_CA_CERTS names a file of certificates, they are trusted as well.`;

export interface Arguments {
  base: URL;
  login: string | undefined;
  /** The path of a file with settings. */
  file: string | undefined;
  json: boolean;
}

/** Reads the command line. @returns what is wrong with it, in words, or undefined where help is asked for */
export function readArguments(args: readonly string[]): Arguments | string | undefined {
  try {
    const { values, positionals } = parse(args);
    if (values.help) return undefined;
    const [address = '', ...more] = positionals;
    if (address === '' || more.length > 0) return 'A base URL is wanted, and nothing else.';
    const base = baseOf(address);
    if (!base) return `${address} is not a base URL such as https://login.example.com.`;
    return (
      faultOfNumber(values.login) ?? { base, login: values.login, file: values.settings, json: values.json }
    );
  } catch (error) {
    return wordsOf(error);
  }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      login: { type: 'string' },
      settings: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
