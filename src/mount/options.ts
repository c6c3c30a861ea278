import { z } from 'zod';
import { ConfigError, readConfig, type Config } from '../config.js';
import type { Hooks } from '../login/hooks.js';
import type { Env } from '../settings.js';
import type { RedisClient } from '../store/connection.js';
import type { Log } from '../world.js';

/** What an app says when it mounts the routes. Everything may be left out. */
export interface SilentAuthOptions {
  /** The settings, under the names they have in the environment (README, "Settings"); `process.env` by default. */
  env?: Env;
  /**
   * Where a visitor is known by: `own`, a cookie of its own, for apps that have no session (the default); or `host`, the app's own
   * session, `req.session` of express-session.
   */
  session?: 'own' | 'host';
  /** The app's client of ioredis. A connection like it is opened; by default to `REDIS_URL`, and else all is kept in memory. */
  redis?: RedisClient;
  /** Where browsers come home to from the operator: a path, or a URL of one of `ALLOWED_ORIGINS`. `/` by default. */
  homeUrl?: string;
  /** The app's own rules (docs/hooks.md). */
  hooks?: Hooks;
  /** Where lines of the log go; pino on the standard output by default. */
  log?: Log;
}

const method = (name: string) => (value: unknown) =>
  typeof (value as Record<string, unknown> | undefined)?.[name] === 'function';

const isHome = (text: string): boolean =>
  /^(?:\/(?!\/)|https?:\/\/)[^#\s]*$/.test(text) && URL.canParse(text, 'http://localhost');

/** Settings of what only a server by itself has. In an app the names may be set for something of its own. */
const NOT_OURS = /^(?:HELP_URL|KEEP_ALIVE_SECONDS|METRICS_|OTEL_)/;

const Options = z.strictObject({
  env: z
    .record(z.string(), z.string({ error: 'must be text.' }).optional(), {
      error: 'must be an object like process.env.',
    })
    .optional(),
  session: z.enum(['own', 'host'], { error: 'must be "own" or "host".' }).optional(),
  redis: z
    .custom<RedisClient>((value) => method('duplicate')(value) && method('defineCommand')(value), {
      error: 'must be a client of ioredis.',
    })
    .refine((client) => !('isCluster' in client && client.isCluster === true), {
      error: 'must be a client of one server or of a Sentinel, not of a Cluster.',
    })
    .optional(),
  homeUrl: z.string().refine(isHome, 'must be a path or a URL, without a fragment.').optional(),
  hooks: z
    .strictObject({
      beforeLogin: z
        .custom<Hooks['beforeLogin']>(method('call'), { error: 'must be a function.' })
        .optional(),
      beforeSession: z
        .custom<Hooks['beforeSession']>(method('call'), { error: 'must be a function.' })
        .optional(),
    })
    .optional(),
  log: z
    .custom<Log>(method('error'), { error: 'must be a logger with debug, info, warn and error.' })
    .optional(),
});

export interface MountSettings {
  config: Config;
  session: 'own' | 'host';
  redis: RedisClient | undefined;
  home: string;
  hooks: Hooks;
  log: Log | undefined;
}

/** @throws ConfigError with every problem of the options and of the settings at once; then with where `homeUrl` must not lead */
export function readOptions(options: SilentAuthOptions): MountSettings {
  const parsed = Options.safeParse(options);
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `createSilentAuth: "${[...issue.path, key].join('.')}" is no option.`)
      : [`createSilentAuth: ${issue.path.join('.')} ${issue.message}`],
  );
  const { session = 'own', redis, homeUrl = '/', hooks = {}, log } = options;
  const env = Object.fromEntries(
    Object.entries(options.env ?? process.env).filter(
      ([name, value]) => typeof value === 'string' && !NOT_OURS.test(name),
    ),
  );
  if (env['HOOKS']?.trim())
    problems.push('HOOKS is for the server by itself: give createSilentAuth the hooks.');
  const config = readConfig(env, problems, redis !== undefined);
  const { origin } = new URL(homeUrl, config.publicUrl);
  if (![config.publicUrl, ...config.allowedOrigins].includes(origin)) {
    throw new ConfigError([`createSilentAuth: homeUrl must be on PUBLIC_URL or one of ALLOWED_ORIGINS.`]);
  }
  return { config, session, redis, home: homeUrl, hooks, log };
}
