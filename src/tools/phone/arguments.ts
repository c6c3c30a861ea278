import { parseArgs } from 'node:util';
import { parsePhoneNumber } from '../../core/phone-number.js';
import { SDKS } from './walk.js';
import { wordsOf } from './words.js';

export const USAGE = `Usage: npm run phone -- <base url> <number> [--sim <number>] [--sdk ios|android] [--trace]
Logs a number in as an app with Vonage's SDK does, and says why where it cannot.

  <base url>  where the server is: its PUBLIC_URL
  <number>    the number to log in, as +447700900000
  --sim       the number of the SIM in this phone; only the sandbox listens to it
  --sdk       whose rules to keep: ios (the default) or android
  --trace     shows each request and answer, secrets cut short
  --help      shows this

Exits with 0 when logged in, 1 when not, 2 when it was called wrongly. Where NODE_EXTRA_CA_CERTS names a file of
certificates, they are trusted as well. No mobile network is used: a real operator sees the one of this machine.`;

export interface Arguments {
  base: URL;
  number: string;
  sim: string | undefined;
  sdk: keyof typeof SDKS;
  trace: boolean;
}

/** Reads the command line. @returns what is wrong with it, in words, or undefined where help is asked for */
export function readArguments(args: readonly string[]): Arguments | string | undefined {
  try {
    const { values, positionals } = parse(args);
    const { help, sim, sdk, trace } = values;
    if (help) return undefined;
    const [address = '', number, ...more] = positionals;
    if (number === undefined || more.length > 0)
      return 'A base URL and a number are wanted, and nothing else.';
    const base = baseOf(address);
    if (!base) return `${address} is not a base URL such as https://login.example.com.`;
    const fault = faultOfNumber(number) ?? faultOfNumber(sim);
    if (fault !== undefined) return fault;
    if (!isSdk(sdk)) return `--sdk is ios or android, not ${sdk}.`;
    return { base, number, sim, sdk, trace };
  } catch (error) {
    return wordsOf(error);
  }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      sim: { type: 'string' },
      sdk: { type: 'string', default: 'ios' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });

const isSdk = (name: string): name is keyof typeof SDKS => Object.hasOwn(SDKS, name);

/** @returns what is wrong with a number, in words; nothing where it is one, or is absent */
export const faultOfNumber = (text: string | undefined): string | undefined =>
  text === undefined || parsePhoneNumber(text) !== undefined
    ? undefined
    : `${text} is not a phone number in E.164: +, country code and number, without a national prefix, as +447700900000.`;

/** An origin: the routes of the server are at its root. */
export function baseOf(address: string): URL | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href ? url : undefined;
}
