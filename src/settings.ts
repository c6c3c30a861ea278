import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { parsePrivateKey } from './private-key.js';
import { lookUp, type Env } from './variables.js';

export type { Env };

const OTP_CHANNELS = ['sms', 'voice'] as const;
export type OtpChannels = readonly (typeof OTP_CHANNELS)[number][];

export interface WebhookSettings {
  apiKey: string;
  signatureSecret: string;
}

/** Reads single variables, and gathers what is wrong with them instead of stopping at the first. */
export function createReader(env: Env) {
  const problems: string[] = [];
  const production = env['NODE_ENV'] === 'production';
  const fail = (problem: string): string => (problems.push(problem), '');
  const get = lookUp(env, fail);
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
  return { problems, production, get, fail, need, oneOf, list, upstream };
}

export type Reader = ReturnType<typeof createReader>;

/** Verify v2 reference, `brand`. */
export const isBrand = (text: string): boolean => /^[^/{}:$]{1,18}$/.test(text);

export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

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

/** `none` is how a list that has a default is emptied. */
export function readFallbacks(text: string, fail: Fail): OtpChannels {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const channels = OTP_CHANNELS.filter((channel) => names.includes(channel));
  if (channels.join() !== names.join()) fail('FALLBACK_CHANNELS must be none, sms, voice or sms,voice.');
  return channels;
}

export function readWebhooks(
  apiKey: string | undefined,
  secret: string | undefined,
  fail: Fail,
): WebhookSettings | undefined {
  if (apiKey === undefined && secret === undefined) return undefined;
  if (apiKey === undefined)
    fail('VONAGE_API_KEY is missing: webhooks are checked for it (dashboard, API settings).');
  if (secret === undefined)
    fail('VONAGE_SIGNATURE_SECRET is missing: webhooks are signed with it (dashboard, API settings).');
  if (secret !== undefined && Buffer.byteLength(secret) < 32) {
    fail(
      'VONAGE_SIGNATURE_SECRET must have at least 32 bytes: a shorter one can be guessed from one webhook.',
    );
  }
  return { apiKey: apiKey ?? '', signatureSecret: secret ?? '' };
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

export function readKey(text: string, fail: Fail): KeyObject | undefined {
  if (text === '') return undefined;
  const key = parsePrivateKey(text);
  if (typeof key !== 'string') return key;
  fail(`VONAGE_PRIVATE_KEY ${key}`);
  return undefined;
}

/** The hosts Vonage is known to send devices to, and those this server talks to itself. */
export const defaultLinkHosts = (urls: readonly string[]): string[] => [
  ...new Set([
    ...urls.map((url) => parseUrl(url)?.host ?? '').filter((host) => host !== ''),
    ...['api-eu.vonage.com', 'api-us.vonage.com', 'api-ap.vonage.com', 'oidc.idp.vonage.com'],
  ]),
];
