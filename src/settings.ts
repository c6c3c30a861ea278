import { isIP } from 'node:net';
import { lookUp, type Env } from './variables.js';

export type { Env };

/** Reads single variables, and gathers what is wrong with them instead of stopping at the first. */
export function createReader(env: Env) {
  const problems: string[] = [];
  const production = env['NODE_ENV'] === 'production';
  const fail = (problem: string): string => (problems.push(problem), '');
  const get = lookUp(env, fail);
  /** A variable that other tools read too: they spell it in lower case as well, which goes first. */
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
  const whole = (name: string, text: string, least: number, most: number): number => {
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
  port: number,
  production: boolean,
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
    if (parseUrl(origin)?.origin !== origin)
      fail(`ALLOWED_ORIGINS: "${origin}" is not an origin like https://app.example.com.`);
  }
  return origins;
}

/** @returns it as browsers write it */
export function readHelpUrl(text: string | undefined, fail: Fail): string | undefined {
  const url = text === undefined ? undefined : parseUrl(text);
  if (text !== undefined && !/^https?:$/.test(url?.protocol ?? ''))
    fail('HELP_URL must be a URL that begins with https:// (or http://).');
  return url?.href;
}

/** 32 characters of base64url or hex hold at least 128 bits, which is what OWASP ASVS 7.2.3 asks of a session. */
export function readSecrets(secrets: string[], fail: Fail): string[] {
  if (secrets.length === 0) {
    fail(
      'SESSION_SECRET is missing: set it to what `openssl rand -base64 32` prints. Several, separated by commas, rotate.',
    );
  }
  if (secrets.some((secret) => secret.length < 32))
    fail('SESSION_SECRET: each secret must have at least 32 characters.');
  return secrets;
}
