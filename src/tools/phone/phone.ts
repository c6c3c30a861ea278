import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { defineCommand, expectPhoneNumber, messageOf, parseBaseUrl, UsageError } from '../command.js';
import { createAppClient } from './app-client.js';
import { logIn, withoutSecrets } from './login.js';
import { SDKS, systemDevice } from './open-link.js';

const USAGE = `Usage: silent-auth phone <base url> <number> [--sim <number>] [--sdk ios|android] [--locale <tag>] [--trace]
Logs a number in as an app with Vonage's SDK does, and says why where it cannot.

  <base url>  where the server is: its PUBLIC_URL, with the path of routes that another app serves
  <number>    the number to log in, as +447700900000
  --sim       the number of the SIM in this phone; only the sandbox reads it
  --sdk       whose rules to keep: ios (the default) or android
  --locale    the language of messages, as de-AT; by default the server chooses
  --trace     shows each request and answer, secrets cut short
  --help      shows this

Reads no settings. Exits with 0 when logged in, 1 when not, 2 when it was called wrongly. Where NODE_EXTRA_CA_CERTS names a
file of certificates, they are trusted as well. No mobile network is used: a real operator sees the one of this machine.`;

export const phone = defineCommand({
  usage: USAGE,
  options: {
    sim: { type: 'string' },
    sdk: { type: 'string', default: 'ios' },
    locale: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
  async run({ values: { sim, sdk: name, locale, trace: isTraced }, positionals }, { out, err }) {
    const [address = '', number, ...more] = positionals;
    if (number === undefined || more.length > 0)
      throw new UsageError('A base URL and a number are wanted, and nothing else.');
    const base = parseBaseUrl(address);
    expectPhoneNumber(number);
    expectPhoneNumber(sim);
    if (!isSdk(name)) throw new UsageError(`--sdk is ios or android, not ${name}.`);
    const sdk = SDKS[name];
    const trace = isTraced ? (line: string) => out(`          ${withoutSecrets(line)}`) : () => undefined;
    out(`A phone with Vonage's SDK for ${sdk.name} ${sdk.version} logs in at ${address}.`);
    const login = {
      ...{ app: createAppClient(base, trace), sdk, device: systemDevice(), pause, say: out, trace },
      headers: sim === undefined ? {} : { 'x-sandbox-sim': sim },
      ...(locale !== undefined && { locale }),
      ...(process.stdin.isTTY && { ask }),
    };
    try {
      return (await logIn(login, number)) ? 0 : 1;
    } catch (error) {
      err(messageOf(error));
      return 1;
    }
  },
});

const isSdk = (name: string): name is keyof typeof SDKS => Object.hasOwn(SDKS, name);

/** Asks at a terminal. The end of the input is an empty answer. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return (await Promise.race([terminal.question(question), ended])).trim();
  } finally {
    terminal.close();
  }
}
