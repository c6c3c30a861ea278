import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { deflateRawSync } from 'node:zlib';

/** Environment variables, by their names. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Looks up environment variables, each by its name, or in the file that the variable of this name with `_FILE` behind it
 * names: so Docker, Kubernetes and systemd hand out secrets, and what is in a file is not in the environment of every
 * process beside ours. Empty counts as absent, and the blanks around a value are not part of it.
 * @param fail is told, once for each variable, what is wrong with its file, without the path, which may be a secret put in its place
 */
export function lookUp(env: Env, fail: (problem: string) => void): (name: string) => string | undefined {
  const plain = (name: string): string | undefined => env[name]?.trim() || undefined;
  const fromFile = (name: string, path: string): string | undefined => {
    if (plain(name) !== undefined) {
      fail(`${name} and ${name}_FILE are both set: leave out the one that is not meant.`);
      return undefined;
    }
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') fail(`${name}_FILE names a file that is empty.`);
      return text || undefined;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      fail(`${name}_FILE names no file that can be read here (${code}).`);
      return undefined;
    }
  };
  const read = new Map<string, string | undefined>();
  return (name) => {
    const path = plain(`${name}_FILE`);
    if (path === undefined) return plain(name);
    if (!read.has(name)) read.set(name, fromFile(name, path));
    return read.get(name);
  };
}

/** Reads single variables, and gathers what is wrong with them instead of stopping at the first. */
export function createReader(env: Env) {
  const problems: string[] = [];
  const production = env['NODE_ENV'] === 'production';
  const fail = (problem: string): string => (problems.push(problem), '');
  const get = lookUp(env, fail);
  /**
   * A variable that other tools read too: they spell it in lower case as well, which goes first.
   */
  const getInAnyCase = (name: string): string | undefined => {
    const inLowerCase = name.toLowerCase();
    return (inLowerCase in env ? get(inLowerCase) : undefined) ?? get(name);
  };
  const need = (name: string, advice: string): string => get(name) ?? fail(`${name} is missing: ${advice}`);
  const oneOf = <T extends string>(name: string, values: readonly T[], fallback: T): T => {
    const value = (get(name) ?? fallback) as T;
    if (!values.includes(value)) fail(`${name} must be one of ${values.join(', ')}.`);
    return value;
  };
  const list = (name: string): string[] =>
    (get(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  /** A base URL or a bare host name; what leaves this server in production goes over https. */
  const upstream = (name: string, fallback: string): string => {
    const value = get(name) ?? fallback;
    const url = parseUrl(value.includes('://') ? value : `https://${value}`);
    if (url === undefined || !/^https?:$/.test(url.protocol))
      return fail(`${name} must be a URL like ${fallback}.`);
    if (url.protocol !== 'https:' && production)
      fail(`${name} must begin with https:// when NODE_ENV=production.`);
    return url.href.replace(/\/$/, '');
  };
  /** A whole number in decimal digits. @param text what stands for it, or a part of what does */
  const whole = (name: string, text: string, { least, most }: { least: number; most: number }): number => {
    const number = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    fail(`${name} must be a whole number, ${least} to ${most}.`);
    return least;
  };
  return { problems, production, get, getInAnyCase, fail, need, oneOf, list, upstream, whole };
}

export type Reader = ReturnType<typeof createReader>;

export const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

type Fail = (problem: string) => string;

export function readPublicUrl(
  value: string | undefined,
  { port, production }: { port: number; production: boolean },
  fail: Fail,
): string {
  if (value === undefined && production)
    return fail('PUBLIC_URL is missing: the https origin devices reach this server at.');
  const url = parseUrl(value ?? `http://localhost:${port}`);
  if (url === undefined || url.href !== `${url.origin}/`)
    return fail('PUBLIC_URL must be an origin, like https://login.example.com, without a path.');
  const local = url.hostname === 'localhost' || (isIP(url.hostname) === 4 && url.hostname.startsWith('127.'));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    fail('PUBLIC_URL must begin with https://; only http://localhost may go without.');
  }
  return url.origin;
}

export function readOrigins(origins: readonly string[], fail: Fail): readonly string[] {
  for (const origin of origins) {
    const fault = faultOfOrigin(origin);
    if (fault !== undefined) fail(`ALLOWED_ORIGINS: "${origin}" ${fault}`);
  }
  return origins;
}

/** A name, an IPv4 address, or an IPv6 address in brackets. URLs allow more: `*.example.com`. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])$/;

/** @returns why no browser sends this text as an `Origin` (RFC 6454 section 6.2), and a remedy */
function faultOfOrigin(text: string): string | undefined {
  if (/\*|%2a|(?:^|:\/\/)\./i.test(text))
    return 'is a wildcard, and origins are compared as they are: name each one, like https://app.example.com.';
  if (text === 'null')
    return 'is the origin of every sandboxed page: name origins like https://app.example.com.';
  const bare = text.replace(/^["']|["']$/g, '');
  const url = parseUrl(bare.includes('://') ? bare : `https://${bare}`);
  if (url === undefined || !/^https?:$/.test(url.protocol) || !HOST.test(url.hostname))
    return 'is not an origin like https://app.example.com. Several are separated by commas.';
  return url.origin === text ? undefined : `is not as browsers write it: write ${url.origin}.`;
}

/** @returns it as browsers write it */
export function readHelpUrl(text: string | undefined, fail: Fail): string | undefined {
  const url = text === undefined ? undefined : parseUrl(text);
  if (text !== undefined && !/^https?:$/.test(url?.protocol ?? ''))
    fail('HELP_URL must be a URL that begins with https:// (or http://).');
  return url?.href;
}

const RANDOM = 'Set it to what `openssl rand -base64 32` prints.';

/** 32 characters of base64url or hex hold at least 128 bits, which is what OWASP ASVS 7.2.3 asks of a session. */
export function readSecrets(secrets: string[], fail: Fail): string[] {
  if (secrets.length === 0)
    fail(
      'SESSION_SECRET is missing: set it to what `openssl rand -base64 32` prints. Several, separated by commas, rotate.',
    );
  else if (secrets.some((secret) => secret.length < 32))
    fail(`SESSION_SECRET: each secret must have at least 32 characters. ${RANDOM}`);
  else if (secrets.some(isMadeUp))
    fail(
      `SESSION_SECRET: a secret of repetitions, sequences or common words is guessed: it must be random. ${RANDOM}`,
    );
  return secrets;
}

const DIGITS = '01234567890123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const BACKWARDS = '98765432109876543210zyxwvutsrqponmlkjihgfedcba';

/** Parts of secrets that people make up: words, sequences, rows of keys. */
const COMMON = Buffer.from(
  (
    'the quick brown fox jumps over the lazy dog lorem ipsum dolor sit amet consectetur correct horse battery staple keyboard ' +
    'cat your own very long random strong secure string value replace insert with please development example default sample ' +
    'test testing demo local dummy placeholder todo private here password passw0rd passphrase token signing encryption cookie ' +
    'express letmein welcome admin root at least thirty two characters openssl rand base64 32 hex do not use this is insecure ' +
    'my super secret secretkey session key change me in production 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qwertyuiopasdfghjkl ' +
    `zxcvbnm1234567890 ${BACKWARDS} ${DIGITS} abcdef ${LETTERS}`
  ).replaceAll(' ', ''),
);

/**
 * With this dictionary, secrets that people make up deflate to 20 bytes at most. The shortest of
 * 300,000 random ones of 32 characters took 25, and each byte less is five times as rare.
 */
const LEAST_DEFLATED_BYTES = 21;

function isMadeUp(secret: string): boolean {
  const characters = Buffer.from(secret.toLowerCase().replace(/[-_. ]/g, ''));
  const forms = [characters, stepsOf(characters)];
  if (/^[\w+/-]+=*$/.test(secret)) {
    const decoded = Buffer.from(secret, /^[0-9a-f]+$/i.test(secret) ? 'hex' : 'base64');
    forms.push(inHex(decoded), inHex(stepsOf(decoded)));
  }
  return forms.some(
    (bytes) => deflateRawSync(bytes, { level: 9, dictionary: COMMON }).length < LEAST_DEFLATED_BYTES,
  );
}

/** The difference between each byte and the one before: in 0011223344 and acegik it repeats. */
const stepsOf = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, at) => byte - (bytes[at - 1] ?? 0)));

/** Random bytes are too few to be judged by how far they deflate; their hex digits are not. */
const inHex = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('hex'));
