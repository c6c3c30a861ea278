import { readFileSync } from 'node:fs';
import { parsePrivateKey, type KeyAlgorithm } from '../core/keys.js';

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Looks up a variable by its name, or in the file that `NAME_FILE` names: Docker, Kubernetes and
 * systemd provide secrets as files, which no other process inherits. An empty value counts as
 * absent, and surrounding whitespace is removed.
 * @param fail gets each problem with a file once, without the path, which may be a misplaced secret
 */
export function lookUp(env: Env, fail: (problem: string) => void): (name: string) => string | undefined {
  const inEnv = (name: string): string | undefined => env[name]?.trim() || undefined;
  const inFile = (name: string, path: string): string | undefined => {
    if (inEnv(name) !== undefined) {
      fail(`${name} and ${name}_FILE are both set: leave one out.`);
      return undefined;
    }
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') fail(`${name}_FILE names a file that is empty.`);
      return text || undefined;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      fail(`${name}_FILE names a file that cannot be read (${code}).`);
      return undefined;
    }
  };
  const read = new Map<string, string | undefined>();
  return (name) => {
    const path = inEnv(`${name}_FILE`);
    if (path === undefined) return inEnv(name);
    if (!read.has(name)) read.set(name, inFile(name, path));
    return read.get(name);
  };
}

interface Range {
  least: number;
  most: number;
}

export function createReader(env: Env) {
  const problems: string[] = [];
  const fail = (problem: string): string => (problems.push(problem), '');
  const get = lookUp(env, fail);
  const production = env['NODE_ENV'] === 'production' || get('ASSURANCE') !== undefined;
  /** For variables that other tools read too: as there, the lower-case name takes precedence. */
  const getInAnyCase = (name: string): string | undefined => {
    const lowerCase = name.toLowerCase();
    return (lowerCase in env ? get(lowerCase) : undefined) ?? get(name);
  };
  const need = (name: string, advice: string): string => get(name) ?? fail(`${name} is missing: ${advice}`);
  const oneOf = <T extends string>(name: string, values: readonly T[], fallback: T): T => {
    const value = (get(name) ?? fallback) as T;
    if (!values.includes(value)) fail(`${name} must be one of ${values.join(', ')}.`);
    return value;
  };
  const flag = (name: string, fallback: 'true' | 'false'): boolean =>
    oneOf(name, ['true', 'false'], fallback) === 'true';
  const list = (name: string): string[] =>
    (get(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  const parseWhole = (label: string, text: string, { least, most }: Range): number => {
    const number = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    fail(`${label} must be a whole number, ${least} to ${most}.`);
    return least;
  };
  const whole = (name: string, { fallback, ...range }: Range & { fallback: number }): number =>
    parseWhole(name, get(name) ?? `${fallback}`, range);
  /** A base URL, or a host name for https. In production all calls to Vonage use https. */
  const upstream = (name: string, fallback: string): string => {
    const value = get(name) ?? fallback;
    const url = parseUrl(value.includes('://') ? value : `https://${value}`);
    if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(value) || url.username !== '')
      return fail(`${name} must be a URL like ${fallback}, without a user, a query or a fragment.`);
    if (url.protocol !== 'https:' && production) fail(`${name} must begin with https:// in production.`);
    return url.href.replace(/\/+$/, '');
  };
  /** @param parsed a value, or what is wrong with the text it was parsed from */
  const accept = <T extends object>(label: string, parsed: T | string): T | undefined => {
    if (typeof parsed !== 'string') return parsed;
    fail(`${label} ${parsed}`);
    return undefined;
  };
  const privateKey = (label: string, text: string, algorithm: KeyAlgorithm) =>
    accept(label, parsePrivateKey(text, algorithm));
  return {
    ...{ problems, production, fail, get, getInAnyCase, need, oneOf, flag, list, parseWhole, whole },
    ...{ upstream, accept, privateKey },
  };
}

export type Reader = ReturnType<typeof createReader>;

/** `URL` also takes hosts with quotes, commas or braces, which no DNS name and no address has. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)?$/;

export function parseUrl(text: string, base?: string): URL | undefined {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  return url && HOST.test(url.hostname) ? url : undefined;
}
