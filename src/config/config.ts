import { isIP } from 'node:net';
import { readAssertions } from './assertions.js';
import { checkAssurance } from './assurance.js';
import { readLimits, readSimSwap } from './limits.js';
import { readLoginSettings } from './login.js';
import { readMetricsSettings, readTraceSettings } from './observability.js';
import { readPage } from './page.js';
import { createReader, parseUrl, type Env, type Reader } from './reader.js';
import { readRedis } from './redis.js';
import { readOperatorKey, readSessionSecrets } from './session-secret.js';
import { readVonage } from './vonage.js';

export type Config = ReturnType<typeof readConfig>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(['The settings cannot be used:', ...problems.map((problem) => `  - ${problem}`)].join('\n'));
  }
}

/** Settings that only the standalone server has. An app may use their names for itself. */
const STANDALONE_ONLY =
  /^(?:ACCENT_COLOR|CONTINUE_URL|DRAIN_SECONDS|EXPLAIN|HELP_|HOST$|KEEP_ALIVE_SECONDS|LOGO_URL|METRICS_|OPERATOR_|OTEL_)/;

const withoutStandaloneOnly = (env: Env): Env =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !STANDALONE_ONLY.test(name)));

/**
 * Reads all settings from environment variables and the files that `NAME_FILE` names.
 * @param others problems found elsewhere, to be reported with those of the settings
 * @param mount the app that the routes are mounted in; with a store of its own, production does not
 * need `REDIS_URL`
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Env, others: readonly string[] = [], mount?: { hasStore: boolean }) {
  const reader = createReader(mount ? withoutStandaloneOnly(env) : env);
  const { problems, production, need, oneOf, whole } = reader;

  const port = whole('PORT', { fallback: 3000, least: 0, most: 65_535 });
  const publicUrl = readPublicUrl(reader, port);
  const vonage = readVonage(reader);
  if (production && !mount?.hasStore)
    need('REDIS_URL', 'the memory store is for development. Set it to redis://… or rediss://….');
  const config = {
    port,
    host: readHost(reader),
    /** The origin at which browsers and devices reach this server, without a slash at the end. */
    publicUrl,
    /** Absent: the memory store. */
    redis: readRedis(reader),
    /** The first one seals and signs, all of them open. */
    sessionSecrets: readSessionSecrets(reader),
    /** How many sessions a number may have. */
    maxSessions: whole('MAX_SESSIONS', { fallback: 20, least: 1, most: 1000 }),
    /** Absent: operators have no routes. */
    operatorKey: readOperatorKey(reader),
    allowedOrigins: readOrigins(reader),
    page: readPage(reader, publicUrl),
    ...readLoginSettings(reader),
    assertions: readAssertions(reader),
    /** Absent: nothing is asked about SIMs. */
    simSwap: readSimSwap(reader),
    ...readLimits(reader),
    /** Percent of its time that the event loop may be busy before it refuses new logins. */
    maxUtilization: whole('MAX_UTILIZATION', { fallback: 90, least: 1, most: 100 }),
    /** Seconds for which the server keeps an idle connection. */
    keepAliveSeconds: whole('KEEP_ALIVE_SECONDS', { fallback: 65, least: 1, most: 3600 }),
    /**
     * Seconds for which a server that is stopped still takes requests, until proxies stop sending
     * them.
     */
    drainSeconds: whole('DRAIN_SECONDS', { fallback: 5, least: 0, most: 300 }),
    logLevel: oneOf('LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
    production,
    /** Absent: nothing is counted. */
    metrics: readMetricsSettings(reader, port),
    /** Absent: nothing is traced. */
    traces: readTraceSettings(reader),
  };
  checkAssurance(reader, config, mount !== undefined);
  problems.push(...others);

  const { privateKey } = vonage;
  if (privateKey === undefined || problems.length > 0) throw new ConfigError(problems);
  return { ...config, vonage: { ...vonage, privateKey } };
}

/** @returns the address to listen on; undefined for all */
function readHost({ get, fail }: Reader): string | undefined {
  const host = get('HOST');
  if (host !== undefined && isIP(host) === 0)
    fail('HOST must be an IP address to listen on: 127.0.0.1 for this machine alone, or 0.0.0.0 for all.');
  return host;
}

/** @param port of the default, `http://localhost` */
export function readPublicUrl({ get, production, fail }: Reader, port: number): string {
  const text = get('PUBLIC_URL');
  if (text === undefined && production)
    return fail('PUBLIC_URL is missing: the https origin at which devices reach this server.');
  const url = parseUrl(text ?? `http://localhost:${port}`);
  if (url === undefined || url.href !== `${url.origin}/`)
    return fail('PUBLIC_URL must be an origin, like https://login.example.com, without a path.');
  if (production && /(?:^|\.)example(?:\.(?:com|net|org))?$/.test(url.hostname))
    fail(`PUBLIC_URL is still the example ${url.origin}: set it to the origin of this server.`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal(url)))
    fail('PUBLIC_URL must begin with https://; http is only for localhost.');
  return url.origin;
}

const isLocal = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || (isIP(hostname) === 4 && hostname.startsWith('127.'));

function readOrigins({ list, production, fail }: Reader): readonly string[] {
  const origins = list('ALLOWED_ORIGINS');
  for (const origin of origins) {
    const fault = faultOfOrigin(origin) ?? (production ? riskOfOrigin(origin) : undefined);
    if (fault !== undefined) fail(`ALLOWED_ORIGINS: "${origin}" ${fault}`);
  }
  return origins;
}

/** Anybody on the network of a user can put a script into a page without TLS. */
const riskOfOrigin = (origin: string): string | undefined =>
  origin.startsWith('http:') && !isLocal(new URL(origin))
    ? 'must begin with https:// in production; http is only for localhost.'
    : undefined;

/** A name, an IPv4 address, or an IPv6 address in brackets. URLs allow more: `*.example.com`. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])$/;

/** @returns why no browser sends this text as an `Origin` (RFC 6454 section 6.2), and the fix */
function faultOfOrigin(text: string): string | undefined {
  if (/\*|%2a|(?:^|:\/\/)\./i.test(text))
    return 'is a wildcard, and origins are compared exactly: name each one, like https://app.example.com.';
  if (text === 'null')
    return 'is the origin of every sandboxed page: name origins like https://app.example.com.';
  const bare = text.replace(/^["']|["']$/g, '');
  const url = parseUrl(bare.includes('://') ? bare : `https://${bare}`);
  if (url === undefined || !/^https?:$/.test(url.protocol) || !HOST.test(url.hostname))
    return 'is not an origin like https://app.example.com. Several are separated by commas.';
  return url.origin === text ? undefined : `is not as browsers write it: write ${url.origin}.`;
}
