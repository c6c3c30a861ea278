import type { AppClient, Reply } from './app-client.js';
import type { BrokenRule, Device, Sdk, SdkResult, Step } from './sdk.js';
import { openLink } from './open-link.js';

/** The dependencies of a login, and where it reports. */
export interface Phone {
  app: AppClient;
  sdk: Sdk;
  device: Device;
  /** Headers that the app gives the SDK to send. */
  headers: Record<string, string>;
  /** The language of messages (BCP 47), if the server should not choose it. */
  locale?: string;
  pause: (ms: number) => Promise<void>;
  say: (line: string) => void;
  trace: (line: string) => void;
  /** Asks the user; absent where there is no terminal. */
  ask?: (question: string) => Promise<string>;
}

type Json = Record<string, unknown>;

/**
 * Logs a number in, silently or else by a code that the user types.
 * @returns whether it is logged in
 * @throws Error with a message for the user
 */
export async function logIn(phone: Phone, number: string): Promise<boolean> {
  const startedAt = phone.device.now();
  const begun = await callUntilFree(phone, 'POST /login', { phone_number: number, locale: phone.locale });
  const { auth_url: link } = begun.json;
  if (begun.status !== 201) return false;
  if (typeof link !== 'string')
    phone.say(`No silent login: ${textOf(begun.json, 'reason', 'no link was given')}.`);
  const silent = typeof link === 'string' ? await logInSilently(phone, link) : undefined;
  const isVerified =
    silent?.['verified'] === true ||
    (await logInByCode(phone, channelsOf(silent) ?? channelsOf(begun.json) ?? []));
  if (!isVerified) {
    phone.say('Not logged in.');
    return false;
  }
  const { json } = await call(phone, 'GET /session');
  const isLoggedIn = json['authenticated'] === true;
  const took = `${Math.round(phone.device.now() - startedAt)} ms`;
  phone.say(
    isLoggedIn
      ? `Logged in as ${textOf(json, 'phone_number', '')} by ${textOf(json, 'channel', '')}, in ${took}.`
      : 'The number was verified, but the session is not logged in: is the cookie kept on the way?',
  );
  return isLoggedIn;
}

/** @returns the answer to `POST /verify`, or what the SDK got instead of a code */
async function logInSilently(phone: Phone, link: string): Promise<Json | undefined> {
  const { sdk, device, headers } = phone;
  const { result, broken } = await openLink(link, sdk, { device, headers, onStep: stepReporter(phone) });
  const body = 'response_body' in result ? result.response_body : undefined;
  const code = body?.['code'];
  if (typeof code !== 'string') phone.say(describe(phone, result));
  broken.forEach((rule) => explain(phone, rule));
  if (typeof code !== 'string') return body;
  return (await call(phone, 'POST /verify', { code })).json;
}

/** @returns whether the number was verified */
async function logInByCode(phone: Phone, channels: readonly string[]): Promise<boolean> {
  if (channels.length === 0) return false;
  if (!phone.ask) {
    phone.say(`It can go on by ${channels.join(' or ')}, in a terminal that can ask for the code.`);
    return false;
  }
  const chosen = await phone.ask(`Go on by ${channels.join(' or ')}? Type which, or press Enter to stop: `);
  if (chosen === '') return false;
  let sent = await callUntilFree(phone, 'POST /login/next', { channel: chosen });
  if (sent.status !== 200) return false;
  for (;;) {
    const others = ['"again" for another one', ...(channelsOf(sent.json) ?? []).map((each) => `"${each}"`)];
    const typed = await phone.ask(`The code, ${others.join(', ')}, or Enter to stop: `);
    if (typed === '') return false;
    if (/^[a-z]/.test(typed)) {
      const { channel } = sent.json;
      const asked = typed === 'again' ? { channel, resend: true } : { channel: typed };
      const next = await callUntilFree(phone, 'POST /login/next', asked);
      if (next.status === 200) sent = next;
      continue;
    }
    const { json } = await call(phone, 'POST /verify', { code: typed });
    if (json['verified'] === true) return true;
    if (json['error'] !== 'invalid_code') return false;
  }
}

/** An earlier login of a number can be replaced half a minute after it began. */
const MAX_TRIES = 4;

/** Like {@link call}, and again as long as an earlier login of the number is in progress. */
async function callUntilFree(phone: Phone, request: string, body: object): Promise<Reply> {
  for (let tries = 1; ; tries++) {
    const reply = await call(phone, request, body);
    const { error, retry_after: seconds } = reply.json;
    if (error !== 'login_in_progress' || typeof seconds !== 'number' || tries === MAX_TRIES) return reply;
    phone.say(`An earlier login of this number is in progress. Trying again in ${seconds} s.`);
    await phone.pause(seconds * 1000);
  }
}

/** Sends a request as the app, and reports the answer. @param request such as `POST /login` */
async function call(phone: Phone, request: string, body?: object): Promise<Reply> {
  const [method = '', path = ''] = request.split(' ');
  const at = phone.device.now();
  const reply = await phone.app.request(method, path, body);
  const { json } = reply;
  const meaning = ['error', 'reason', 'retry_after', 'detail', 'verified', 'channel', 'sent']
    .filter((name) => name in json && json[name] !== null)
    .map((name) => `${name}: ${String(json[name])}`);
  const ms = phone.device.now() - at;
  row(phone, { ms, request, status: `${reply.status}`, meaning: meaning.join(', ') });
  return reply;
}

/** Reports and traces each hop. */
function stepReporter(phone: Phone): (step: Step) => void {
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
    const text = Buffer.concat(step.raw.segments.map(({ bytes }) => bytes)).toString('utf8');
    const status = /^HTTP\/\S+ (\d+)/.exec(text)?.[1] ?? '---';
    if (text !== '')
      text
        .trimEnd()
        .split('\r\n')
        .forEach((line) => phone.trace(`< ${line}`));
    const ms = phone.device.now() - at;
    row(phone, { ms, request: `GET ${host}${pathname}`, status, meaning: step.failure?.message ?? '' });
  };
}

const row = (
  { say }: Phone,
  { ms, request, status, meaning }: { ms: number; request: string; status: string; meaning: string },
): void =>
  say(
    `${Math.round(ms).toString().padStart(6)} ms  ${withoutSecrets(request).padEnd(48)} ${status}  ${meaning}`.trimEnd(),
  );

const explain = ({ say }: Phone, { says, mend }: BrokenRule): void => say(`  ${says}\n  ${mend}`);

/** What the app gets where the device got no code. */
function describe({ sdk }: Phone, result: SdkResult): string {
  if ('nothing' in result) return `The ${sdk.name} SDK hands the app nothing: ${result.nothing}.`;
  const body = 'response_body' in result ? result.response_body : undefined;
  if (typeof body?.['error'] === 'string') {
    const names = [body['error'], body['reason']].filter((name) => typeof name === 'string');
    return `${names.join(', ')}: ${textOf(body, 'detail', 'no more is said')}`;
  }
  return `The ${sdk.name} SDK hands the app ${withoutSecrets(JSON.stringify(result))}`;
}

const textOf = (json: Json, name: string, otherwise: string): string =>
  typeof json[name] === 'string' ? json[name] : otherwise;

/** The channels that are left, where an answer names any. */
const channelsOf = (json: Json | undefined): string[] | undefined =>
  Array.isArray(json?.['next_channels']) ? json['next_channels'].map(String) : undefined;

const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';

/** Values that give access. Each pattern has two groups: what stays, and the secret. */
const SECRETS = [
  // Values of queries and fragments.
  /([?&#][\w.-]+=)([^&#\s"]{9,})/g,
  // A code, which may have as few digits as one in an SMS.
  /("(?:code|code_verifier)": ?")([^"]+)/g,
  // The path of a link, where Verify puts the id of its verification.
  new RegExp(`(/)(${UUID})`, 'g'),
  // Anything else that looks random, except the ids that are in logs.
  new RegExp(`(?<![\\w-])()(?!${UUID})((?=[\\w-]*\\d)[\\w-]{24,})`, 'g'),
];

const COOKIES = /^(?:[<>] )?(?:set-)?cookie:/i;

/** A line with its secrets cut short. */
export const withoutSecrets = (line: string): string =>
  (COOKIES.test(line) ? [/(=)([^;\s]{9,})/g] : SECRETS).reduce(
    (text, pattern) =>
      text.replace(
        pattern,
        (_, before: string, secret: string) => `${before}${secret.length > 8 ? secret.slice(0, 4) : ''}…`,
      ),
    line,
  );
