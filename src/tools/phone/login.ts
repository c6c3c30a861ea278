import type { AppClient, Reply } from './app-client.js';
import { withoutSecrets } from './secrets.js';
import type { BrokenRule, Device, Sdk, SdkResult, Step } from './sdk.js';
import { walk } from './walk.js';

/** What a login is done with, and told to. */
export interface Phone {
  app: AppClient;
  sdk: Sdk;
  device: Device;
  /** What the app gives the SDK to send along. */
  headers: Record<string, string>;
  say: (line: string) => void;
  trace: (line: string) => void;
  /** Asks the person at the phone; absent where nobody is there. */
  ask?: (question: string) => Promise<string>;
}

type Json = Record<string, unknown>;

/** Logs a number in, silently or else by a code that somebody types. @returns whether it is logged in @throws Error in words */
export async function logIn(phone: Phone, number: string): Promise<boolean> {
  const startedAt = phone.device.now();
  const begun = await tell(phone, 'POST', '/login', { phone_number: number });
  const { auth_url: link } = begun.json;
  if (begun.status !== 201) return false;
  if (typeof link !== 'string')
    phone.say(`No silent login: ${word(begun.json, 'reason', 'no link was given')}.`);
  const silent = typeof link === 'string' ? await bySilence(phone, link) : undefined;
  const isVerified =
    silent?.['verified'] === true ||
    (await byCode(phone, channelsOf(silent) ?? channelsOf(begun.json) ?? []));
  if (!isVerified) {
    phone.say('Not logged in.');
    return false;
  }
  const { json } = await tell(phone, 'GET', '/session');
  const isLoggedIn = json['authenticated'] === true;
  const took = `${Math.round(phone.device.now() - startedAt)} ms`;
  phone.say(
    isLoggedIn
      ? `Logged in as ${word(json, 'phone_number', '')} by ${word(json, 'channel', '')}, in ${took}.`
      : 'The number was verified, but the session is not logged in: is the cookie kept on the way?',
  );
  return isLoggedIn;
}

/** @returns what the server says to the code that the device was given, if it was given one */
async function bySilence(phone: Phone, link: string): Promise<Json | undefined> {
  const { sdk, device, headers } = phone;
  const { result, broken } = await walk(link, sdk, { device, headers, onStep: teller(phone) });
  const body = 'response_body' in result ? result.response_body : undefined;
  const code = body?.['code'];
  if (typeof code !== 'string') phone.say(inWords(phone, result));
  broken.forEach((rule) => explain(phone, rule));
  if (typeof code !== 'string') return body;
  return (await tell(phone, 'POST', '/verify', { code })).json;
}

/** @returns whether the number was verified */
async function byCode(phone: Phone, channels: readonly string[]): Promise<boolean> {
  if (channels.length === 0) return false;
  if (!phone.ask) {
    phone.say(`It can go on by ${channels.join(' or ')}, in a terminal that can ask for the code.`);
    return false;
  }
  const channel = await phone.ask(`Go on by ${channels.join(' or ')}? Type which, or press Enter to stop: `);
  if (channel === '') return false;
  const sent = await tell(phone, 'POST', '/login/next', { channel });
  if (sent.status !== 200) return false;
  for (;;) {
    const code = await phone.ask('The code, or Enter to stop: ');
    if (code === '') return false;
    const { json } = await tell(phone, 'POST', '/verify', { code });
    if (json['verified'] === true) return true;
    if (json['error'] !== 'invalid_code') return false;
  }
}

/** Asks as the app, and says what came of it. */
async function tell(phone: Phone, method: string, path: string, body?: object): Promise<Reply> {
  const at = phone.device.now();
  const reply = await phone.app.ask(method, path, body);
  const { json } = reply;
  const meaning = ['error', 'reason', 'retry_after', 'detail', 'verified', 'channel']
    .filter((name) => name in json && json[name] !== null)
    .map((name) => `${name}: ${String(json[name])}`);
  row(phone, phone.device.now() - at, `${method} ${path}`, `${reply.status}`, meaning.join(', '));
  return reply;
}

/** Says each hop as it was walked, and traces it. */
function teller(phone: Phone): (step: Step) => void {
  let at = 0;
  return (step) => {
    if (step.is === 'request') {
      at = phone.device.now();
      step.text
        .trimEnd()
        .split('\r\n')
        .forEach((line) => phone.trace(`> ${line}`));
      return;
    }
    const { host, pathname } = new URL(step.url);
    const text = Buffer.concat(step.heard.segments.map(({ bytes }) => bytes)).toString('utf8');
    const status = /^HTTP\/\S+ (\d+)/.exec(text)?.[1] ?? '---';
    if (text !== '')
      text
        .trimEnd()
        .split('\r\n')
        .forEach((line) => phone.trace(`< ${line}`));
    row(phone, phone.device.now() - at, `GET ${host}${pathname}`, status, step.trouble?.message ?? '');
  };
}

const row = ({ say }: Phone, ms: number, request: string, status: string, meaning: string): void =>
  say(
    `${Math.round(ms).toString().padStart(6)} ms  ${withoutSecrets(request).padEnd(48)} ${status}  ${meaning}`.trimEnd(),
  );

const explain = ({ say }: Phone, { says, mend }: BrokenRule): void => say(`  ${says}\n  ${mend}`);

/** What the app is left with where the device brought no code home. */
function inWords({ sdk }: Phone, result: SdkResult): string {
  if ('nothing' in result) return `The ${sdk.name} SDK hands the app nothing: ${result.nothing}.`;
  const body = 'response_body' in result ? result.response_body : undefined;
  if (typeof body?.['error'] === 'string')
    return `${body['error']}: ${word(body, 'detail', 'no more is said')}`;
  return `The ${sdk.name} SDK hands the app ${withoutSecrets(JSON.stringify(result))}`;
}

const word = (json: Json, name: string, otherwise: string): string =>
  typeof json[name] === 'string' ? json[name] : otherwise;

/** The channels of codes that are left, where an answer names any. */
const channelsOf = (json: Json | undefined): string[] | undefined =>
  Array.isArray(json?.['next_channels']) ? json['next_channels'].map(String) : undefined;
