import { createInterface } from 'node:readline/promises';
import { createAppClient } from './app-client.js';
import { USAGE, readArguments } from './arguments.js';
import { logIn } from './login.js';
import { withoutSecrets } from './secrets.js';
import { SDKS, thisDevice } from './walk.js';
import { wordsOf } from './words.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Somebody is there to answer only at a terminal. Whoever ends the input answers with nothing. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return (await Promise.race([terminal.question(question), ended])).trim();
  } finally {
    terminal.close();
  }
}

async function run(args: readonly string[]): Promise<0 | 1 | 2> {
  const wanted = readArguments(args);
  if (typeof wanted !== 'object') {
    if (wanted === undefined) say(USAGE);
    else process.stderr.write(`${wanted}\n${USAGE}\n`);
    return wanted === undefined ? 0 : 2;
  }
  const sdk = SDKS[wanted.sdk];
  const trace = wanted.trace ? (line: string) => say(`          ${withoutSecrets(line)}`) : () => undefined;
  say(`A phone with Vonage's SDK for ${sdk.name} ${sdk.version} logs in at ${wanted.base.origin}.`);
  const phone = {
    ...{ app: createAppClient(wanted.base, trace), sdk, device: thisDevice(), say, trace },
    headers: wanted.sim === undefined ? {} : { 'x-sandbox-sim': wanted.sim },
    ...(process.stdin.isTTY && { ask }),
  };
  try {
    return (await logIn(phone, wanted.number)) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${wordsOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await run(process.argv.slice(2));
