import { readAssertions, type AssertionSettings } from './assertions.js';
import { readLimits, type LimitConfig } from './limits.js';
import { readWays, type WaySettings } from './login.js';
import {
  readMetricsSettings,
  readTraceSettings,
  type MetricsSettings,
  type TraceSettings,
} from './observability.js';
import { createReader, readHelpUrl, readOrigins, readPublicUrl, readSecrets, type Env } from './reader.js';
import { readRedis, type RedisSettings } from './redis.js';
import { readVonage, type VonageSettings } from './vonage.js';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface Config extends LimitConfig, WaySettings {
  port: number;
  /** The origin browsers and devices reach this server at, without a slash at the end. */
  publicUrl: string;
  /** Absent: the embedded store. */
  redis: RedisSettings | undefined;
  /** The first one seals and signs, all of them open. */
  sessionSecrets: readonly string[];
  allowedOrigins: readonly string[];
  /** Percent of the event loop's time below which no new login is refused; 100 refuses none. */
  maxUtilization: number;
  /** Seconds for which an idle connection of a client or a proxy is kept. */
  keepAliveSeconds: number;
  /** Where the page sends people who need help; absent: nowhere. */
  helpUrl: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
  production: boolean;
  /** Absent: nothing is counted. */
  metrics: MetricsSettings | undefined;
  /** Absent: nothing is traced. */
  traces: TraceSettings | undefined;
  /** Absent: nobody is told who is logged in but the app itself. */
  assertions: AssertionSettings | undefined;
  vonage: VonageSettings;
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
  const reader = createReader(env);
  const { problems, production, get, fail, need, oneOf, list, whole } = reader;

  const port = whole('PORT', get('PORT') ?? '3000', { least: 0, most: 65_535 });
  const publicUrl = readPublicUrl(get('PUBLIC_URL'), { port, production }, fail);
  const vonage = readVonage(reader);
  if (production && !hasStore)
    need('REDIS_URL', 'the embedded store is for trying things out. Set it to redis://… or rediss://….');
  const config = {
    port,
    publicUrl,
    redis: readRedis(reader),
    sessionSecrets: readSecrets(list('SESSION_SECRET'), fail),
    allowedOrigins: readOrigins(list('ALLOWED_ORIGINS'), fail),
    helpUrl: readHelpUrl(get('HELP_URL'), fail),
    ...readWays(reader),
    assertions: readAssertions(reader),
    ...readLimits(reader),
    maxUtilization: whole('MAX_UTILIZATION', get('MAX_UTILIZATION') ?? '90', { least: 1, most: 100 }),
    keepAliveSeconds: whole('KEEP_ALIVE_SECONDS', get('KEEP_ALIVE_SECONDS') ?? '65', {
      least: 1,
      most: 3600,
    }),
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    production,
    metrics: readMetricsSettings(reader, port),
    traces: readTraceSettings(get, fail),
  };
  problems.push(...others);

  const { privateKey } = vonage;
  if (privateKey === undefined || problems.length > 0) throw new ConfigError(problems);
  return { ...config, vonage: { ...vonage, privateKey } };
}
