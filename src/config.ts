import type { KeyObject } from 'node:crypto';
import { readAssertions, type AssertionSettings } from './assertion/settings.js';
import { ENGINES, type EngineName } from './login/engines/engines.js';
import { readLimits, type LimitConfig } from './limits/settings.js';
import { readMetricsSettings, type MetricsSettings } from './metrics/settings.js';
import {
  createReader,
  defaultLinkHosts,
  isBrand,
  isUuid,
  parseUrl,
  readFallbacks,
  readKey,
  readPublicUrl,
  readSecrets,
  readWebhooks,
  type Env,
  type OtpChannels,
  type WebhookSettings,
} from './settings.js';
import { readRedis, type RedisSettings } from './store/settings.js';
import { readTraceSettings, type TraceSettings } from './traces/settings.js';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface Config extends LimitConfig {
  port: number;
  /** The origin browsers and devices reach this server at, without a slash at the end. */
  publicUrl: string;
  /** Absent: the embedded store. */
  redis: RedisSettings | undefined;
  /** The first one seals and signs, all of them open. */
  sessionSecrets: readonly string[];
  allowedOrigins: readonly string[];
  /** Percent of the event loop's time beyond which new logins are refused; 100 refuses none. */
  maxUtilization: number;
  /** Where the page sends people who need help; absent: nowhere. */
  helpUrl: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
  production: boolean;
  /** Absent: nothing is counted. */
  metrics: MetricsSettings | undefined;
  /** Absent: nothing is traced. */
  traces: TraceSettings | undefined;
  silentAuth: EngineName;
  /** The channels of codes to type, in the order they are offered; none is a choice too. */
  fallbackChannels: OtpChannels;
  verify: {
    brand: string;
    templateId: string | undefined;
    coverageCheck: boolean;
  };
  /** Absent: nobody is told who is logged in but the app itself. */
  assertions: AssertionSettings | undefined;
  /** Absent: webhooks cannot be checked, and none is accepted. */
  webhooks: WebhookSettings | undefined;
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

/**
 * Reads the settings from environment variables, or the files that those with `_FILE` behind them name; an empty one counts as absent.
 * @param others what is wrong elsewhere, to be told with the rest
 * @param hasStore whether the store is given in another way than by `REDIS_URL`
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Env, others: readonly string[] = [], hasStore = false): Config {
  const { problems, production, get, fail, need, oneOf, list, upstream } = createReader(env);

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
  if (vonage.applicationId && !isUuid(vonage.applicationId)) fail('VONAGE_APPLICATION_ID must be a UUID.');
  if (vonage.authUrlHosts.length === 0)
    vonage.authUrlHosts = defaultLinkHosts([vonage.apiHost, vonage.oidcUrl, vonage.verifyHost]);
  for (const host of vonage.authUrlHosts) {
    if (parseUrl(`https://${host}`)?.host !== host)
      fail(`AUTH_URL_HOSTS: "${host}" is not a host name (and port).`);
  }

  if (production && !hasStore)
    need('REDIS_URL', 'the embedded store is for trying things out. Set it to redis://… or rediss://….');
  const redis = readRedis({ get, fail });
  const sessionSecrets = readSecrets(list('SESSION_SECRET'), fail);
  const allowedOrigins = list('ALLOWED_ORIGINS');
  for (const origin of allowedOrigins) {
    if (parseUrl(origin)?.origin !== origin)
      fail(`ALLOWED_ORIGINS: "${origin}" is not an origin like https://app.example.com.`);
  }
  const helpUrl = get('HELP_URL');
  if (helpUrl !== undefined && !/^https?:$/.test(parseUrl(helpUrl)?.protocol ?? ''))
    fail('HELP_URL must be a URL that begins with https:// (or http://).');
  const silentAuth = oneOf('SILENT_AUTH', Object.keys(ENGINES) as EngineName[], 'network-enablement');
  const coverageCheck = oneOf('COVERAGE_CHECK', ['true', 'false'], 'true') === 'true';
  const fallbackChannels = readFallbacks(get('FALLBACK_CHANNELS') ?? 'sms,voice', fail);
  const usesVerify = silentAuth === 'verify' || fallbackChannels.length > 0;
  if (silentAuth === 'off' && fallbackChannels.length === 0) {
    fail('SILENT_AUTH=off leaves no way to log in when FALLBACK_CHANNELS=none: name sms, voice or both.');
  }
  const brand = get('BRAND') ?? '';
  if (usesVerify && !isBrand(brand)) {
    fail(
      'BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
    );
  }
  const templateId = get('TEMPLATE_ID');
  const webhooks = readWebhooks(get('VONAGE_API_KEY'), get('VONAGE_SIGNATURE_SECRET'), fail);
  if (silentAuth === 'verify' && webhooks === undefined && (!coverageCheck || fallbackChannels.length > 0)) {
    fail(
      'SILENT_AUTH=verify needs webhooks, which tell when Vonage went on: set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET.',
    );
  }
  const assertions = readAssertions({ get, list, oneOf, fail });
  const limits = readLimits({ get, list, fail });
  const maxUtilization = Number(get('MAX_UTILIZATION') ?? 90);
  if (!Number.isInteger(maxUtilization) || maxUtilization < 1 || maxUtilization > 100)
    fail('MAX_UTILIZATION must be a whole number of percent, 1 to 100.');
  const logLevel = oneOf('LOG_LEVEL', LOG_LEVELS, 'info');
  const metrics = readMetricsSettings(get, port, fail);
  const traces = readTraceSettings(get, fail);
  problems.push(...others);

  if (vonage.privateKey === undefined || problems.length > 0) throw new ConfigError(problems);
  return {
    port,
    publicUrl,
    redis,
    sessionSecrets,
    allowedOrigins,
    maxUtilization,
    helpUrl: helpUrl && parseUrl(helpUrl)?.href,
    ...limits,
    logLevel,
    production,
    metrics,
    traces,
    silentAuth,
    fallbackChannels,
    verify: { brand, templateId, coverageCheck },
    assertions,
    webhooks,
    vonage: { ...vonage, privateKey: vonage.privateKey },
  };
}
