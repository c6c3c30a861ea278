import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { parsePrivateKey } from './private-key.js';

const ENGINES = ['network-enablement', 'oidc', 'verify', 'off'] as const;
const OTP_CHANNELS = ['sms', 'voice'] as const;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface Config {
  port: number;
  /** The origin browsers and devices reach this server at, without a slash at the end. */
  publicUrl: string;
  redirectUri: string;
  /** Absent: the embedded store. */
  redisUrl: string | undefined;
  /** The first one seals and signs, all of them open. */
  sessionSecrets: readonly string[];
  allowedOrigins: readonly string[];
  logLevel: (typeof LOG_LEVELS)[number];
  silentAuth: (typeof ENGINES)[number];
  /** The channels of codes to type, in the order they are offered; none is a choice too. */
  fallbackChannels: readonly (typeof OTP_CHANNELS)[number][];
  verify: {
    brand: string;
    templateId: string | undefined;
    coverageCheck: boolean;
  };
  /** Absent: webhooks cannot be checked, and none is accepted. */
  webhooks: { apiKey: string; signatureSecret: string } | undefined;
  vonage: {
    applicationId: string;
    privateKey: KeyObject;
    apiHost: string;
    tokenUrl: string;
    oidcUrl: string;
    verifyHost: string;
    authUrlHosts: readonly string[];
  };
}

/** Everything that is wrong with the settings, each with the way to mend it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(['The settings cannot be used:', ...problems.map((problem) => `  - ${problem}`)].join('\n'));
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from environment variables; an empty one counts as absent.
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Env): Config {
  const problems: string[] = [];
  const production = env['NODE_ENV'] === 'production';
  const get = (name: string): string | undefined => env[name]?.trim() || undefined;
  const fail = (problem: string): string => (problems.push(problem), '');
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
    if (url === undefined) return fail(`${name} must be a URL like ${fallback}.`);
    if (url.protocol !== 'https:' && production)
      fail(`${name} must begin with https:// when NODE_ENV=production.`);
    return url.href.replace(/\/$/, '');
  };

  const port = Number(get('PORT') ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65535) fail('PORT must be a port number, 0 to 65535.');
  const publicUrl = readPublicUrl(get('PUBLIC_URL'), port, production, fail);
  const base = get('VONAGE_BASE_URL') && upstream('VONAGE_BASE_URL', 'http://localhost:4000');
  const vonage = {
    applicationId: need(
      'VONAGE_APPLICATION_ID',
      'the id (a UUID) of your application in the Vonage dashboard.',
    ),
    privateKey: readKey(
      need('VONAGE_PRIVATE_KEY', "the application's private key as PEM, base64 or a file path."),
      fail,
    ),
    apiHost: base ?? upstream('VONAGE_API_HOST', 'https://api-eu.vonage.com'),
    tokenUrl: base
      ? `${base}/oauth2/token`
      : upstream('VONAGE_TOKEN_URL', 'https://api-eu.vonage.com/oauth2/token'),
    oidcUrl: base
      ? `${base}/oauth2/auth`
      : upstream('VONAGE_OIDC_URL', 'https://oidc.idp.vonage.com/oauth2/auth'),
    verifyHost: base ?? upstream('VONAGE_VERIFY_HOST', 'https://api.nexmo.com'),
    authUrlHosts: list('AUTH_URL_HOSTS'),
  };
  if (vonage.applicationId && !UUID.test(vonage.applicationId)) fail('VONAGE_APPLICATION_ID must be a UUID.');
  if (vonage.authUrlHosts.length === 0)
    vonage.authUrlHosts = defaultLinkHosts([vonage.apiHost, vonage.oidcUrl, vonage.verifyHost]);
  for (const host of vonage.authUrlHosts) {
    if (parseUrl(`https://${host}`)?.host !== host)
      fail(`AUTH_URL_HOSTS: "${host}" is not a host name (and port).`);
  }

  const redisUrl = get('REDIS_URL');
  if (redisUrl === undefined && production) {
    fail(
      'REDIS_URL is missing: the embedded store is for trying things out. Set it to redis://… or rediss://….',
    );
  } else if (redisUrl !== undefined && !/^rediss?:\/\//.test(redisUrl)) {
    fail('REDIS_URL must begin with redis:// or rediss://.');
  }
  const sessionSecrets = readSecrets(list('SESSION_SECRET'), fail);
  const allowedOrigins = list('ALLOWED_ORIGINS');
  for (const origin of allowedOrigins) {
    if (parseUrl(origin)?.origin !== origin)
      fail(`ALLOWED_ORIGINS: "${origin}" is not an origin like https://app.example.com.`);
  }
  const silentAuth = oneOf('SILENT_AUTH', ENGINES, 'network-enablement');
  const coverageCheck = oneOf('COVERAGE_CHECK', ['true', 'false'], 'true') === 'true';
  const fallbackChannels = readFallbacks(get('FALLBACK_CHANNELS') ?? 'sms,voice', fail);
  const usesVerify = silentAuth === 'verify' || fallbackChannels.length > 0;
  if (silentAuth === 'off' && fallbackChannels.length === 0) {
    fail('SILENT_AUTH=off leaves no way to log in when FALLBACK_CHANNELS=none: name sms, voice or both.');
  }
  const brand = get('BRAND') ?? '';
  if (usesVerify && !BRAND.test(brand)) {
    fail(
      'BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
    );
  }
  const webhooks = readWebhooks(get('VONAGE_API_KEY'), get('VONAGE_SIGNATURE_SECRET'), fail);
  if (silentAuth === 'verify' && !coverageCheck && webhooks === undefined) {
    fail(
      'COVERAGE_CHECK=false needs webhooks, which bring the link: set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET.',
    );
  }
  const logLevel = oneOf('LOG_LEVEL', LOG_LEVELS, 'info');

  if (vonage.privateKey === undefined || problems.length > 0) throw new ConfigError(problems);
  return {
    port,
    publicUrl,
    redirectUri: `${publicUrl}/callback`,
    redisUrl,
    sessionSecrets,
    allowedOrigins,
    logLevel,
    silentAuth,
    fallbackChannels,
    verify: { brand, templateId: get('TEMPLATE_ID'), coverageCheck },
    webhooks,
    vonage: { ...vonage, privateKey: vonage.privateKey },
  };
}

/** Verify v2 reference, `brand`. */
const BRAND = /^[^/{}:$]{1,18}$/;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

type Fail = (problem: string) => string;

function readPublicUrl(value: string | undefined, port: number, production: boolean, fail: Fail): string {
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
function readFallbacks(text: string, fail: Fail): Config['fallbackChannels'] {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const channels = OTP_CHANNELS.filter((channel) => names.includes(channel));
  if (channels.length !== names.length) fail('FALLBACK_CHANNELS must be none, sms, voice or sms,voice.');
  return channels;
}

function readWebhooks(
  apiKey: string | undefined,
  secret: string | undefined,
  fail: Fail,
): Config['webhooks'] {
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
function readSecrets(secrets: string[], fail: Fail): string[] {
  if (secrets.length === 0) {
    fail(
      'SESSION_SECRET is missing: set it to what `openssl rand -base64 32` prints. Several, separated by commas, rotate.',
    );
  }
  if (secrets.some((secret) => secret.length < 32))
    fail('SESSION_SECRET: each secret must have at least 32 characters.');
  return secrets;
}

function readKey(text: string, fail: Fail): KeyObject | undefined {
  if (text === '') return undefined;
  const key = parsePrivateKey(text);
  if (typeof key !== 'string') return key;
  fail(`VONAGE_PRIVATE_KEY ${key}`);
  return undefined;
}

/** The hosts Vonage is known to send devices to, and those this server talks to itself. */
const defaultLinkHosts = (urls: readonly string[]): string[] => [
  ...new Set([
    ...urls.map((url) => parseUrl(url)?.host ?? '').filter((host) => host !== ''),
    ...['api-eu.vonage.com', 'api-us.vonage.com', 'api-ap.vonage.com', 'oidc.idp.vonage.com'],
  ]),
];
