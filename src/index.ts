import { z } from 'zod';
import { ConfigError, readConfig, type Config } from './config/config.js';
import type { Hooks } from './login/hooks.js';
import type { Env } from './config/reader.js';
import type { RedisClient } from './config/redis.js';
import { systemWorld, type Log, type World } from './core/world.js';
import { fileURLToPath } from 'node:url';
import { Router, type Express, type Request, type RequestHandler, type Response } from 'express';
import { pino } from 'pino';
import { SetupError } from './core/errors.js';
import { bareApp, createRoutes, onlyOurPaths } from './routes.js';
import { createJournal } from './observability/journal.js';
import type { User } from './login/login.js';
import { createCookieSessions } from './session/cookie.js';
import { createHostSessions } from './session/host.js';
import type { Sessions } from './login/routes.js';
import { createMemoryStore } from './store/memory.js';
import { openRedisStore } from './store/redis.js';
import type { Store } from './store/store.js';
import { readClientAddresses } from './http/caller.js';
import { problemHandler } from './http/problems.js';
import { shield } from './http/protection.js';

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

/** Who is logged in: the number in E.164, how it was proved, and times in milliseconds since the epoch. */
export type SilentAuthUser = User & { expiresAt: number };

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way in which Express's request is extended
  namespace Express {
    interface Request {
      /** Set by `load` of {@link SilentAuth}; without a user where nobody is logged in. */
      silentAuth?: { user: SilentAuthUser | undefined };
    }
  }
}

/** The routes of the product, to be mounted: `app.use('/auth', silentAuth)`. */
export interface SilentAuth extends RequestHandler {
  /** For the app's own routes: says in `req.silentAuth.user` who is logged in. */
  load: RequestHandler;
  /** For the app's own way out: ends the login, and the session, of a request that `load` has seen. */
  signOut(req: Request, res: Response): Promise<void>;
  /** Closes the connection to Redis. */
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Makes the routes of the product, for an Express app to mount (docs/mounting.md).
 * @throws ConfigError with every problem of the options and settings at once
 */
export function createSilentAuth(options: SilentAuthOptions = {}): SilentAuth {
  const settings = readOptions(options);
  const { config } = settings;
  const world = systemWorld(settings.log ?? pino({ level: config.logLevel, base: null }));
  const opening = openStore(settings, world);
  const sessions = opening.then((store) => sessionsOf(settings, store, world));
  // Each request hears how these fail. Until one comes nobody does, for which Node would end the process of the app.
  for (const each of [opening, sessions]) each.catch(() => undefined);

  const app = bareApp(config);
  // Without a setting of our own, that of the app holds, as Express has it for apps within apps.
  if (config.trustProxy !== false) app.set('trust proxy', config.trustProxy);
  app.on('mount', () => claim(rootOf(app), app));
  readClientAddresses(app, world);
  let routes: Promise<Router> | undefined;
  const open = async () =>
    routesOf(settings, { store: await opening, sessions: await sessions, world, path: pathOf(app) });
  app.use(onlyOurPaths, async (req, res, next) => {
    // By now all apps are mounted in each other.
    claim(rootOf(app), app);
    claim(req, app);
    if (isAt(req, pathOf(app))) (await (routes ??= open()))(req, res, next);
    else next();
  });

  const load: RequestHandler = async (req, res, next) => {
    claim(req, app);
    const ready = await sessions;
    void ready.load(req, res, (error?: unknown) => {
      if (error === undefined) req.silentAuth = { user: ready.user(req) };
      next(error);
    });
  };
  const signOut = async (req: Request, res: Response) => (await sessions).signOut(req, res);
  const close = async () => (await opening).close();
  return Object.assign(app as RequestHandler, { load, signOut, close });
}

const openStore = async ({ redis, config }: MountSettings, world: World): Promise<Store> => {
  const where = redis ?? config.redis;
  return where === undefined ? createMemoryStore(world) : openRedisStore(where, world.log);
};

function sessionsOf({ session, config }: MountSettings, store: Store, world: World): Sessions {
  const deps = { store, secrets: config.sessionSecrets, world };
  if (session === 'host') return createHostSessions(deps);
  const secureCookie = config.publicUrl.startsWith('https:');
  return withoutAppSession(createCookieSessions({ ...deps, secureCookie }));
}

const TWO_SESSIONS =
  "the app has a req.session: give createSilentAuth session: 'host', and mount it behind the app's session";

/**
 * Refuses a cookie of our own in an app that has sessions, whichever comes first: the app would
 * keep what belongs to a user in a session that does not end with the login.
 */
function withoutAppSession(sessions: Sessions): Sessions {
  return {
    ...sessions,
    load: (req, res, next) => {
      if ((req as { session?: unknown }).session !== undefined) throw new SetupError(TWO_SESSIONS);
      Object.defineProperty(req, 'session', {
        configurable: true,
        get: () => undefined,
        set() {
          throw new SetupError(TWO_SESSIONS);
        },
      });
      void sessions.load(req, res, next);
    },
  };
}

/** The instance of each app, and of each request. */
const instances = new WeakMap<object, object>();

/**
 * Refuses a second instance in one app: both would read and renew the same sessions, each by its
 * own settings.
 * @param where the app, or a request
 * @throws SetupError
 */
function claim(where: object, instance: object): void {
  const first = instances.get(where) ?? instance;
  if (first !== instance)
    throw new SetupError(
      'createSilentAuth was called twice for one app: call it once, and mount what it returns.',
    );
  instances.set(where, instance);
}

/** The outermost app. Express tells an app where it is mounted. */
function rootOf(app: Express): Express {
  const { parent } = app as { parent?: Express };
  return parent === undefined ? app : rootOf(parent);
}

/** The routes with what every answer of theirs wants, and no answer of the app's. */
function routesOf(
  { config, hooks, home }: MountSettings,
  { store, sessions, world, path }: { store: Store; sessions: Sessions; world: World; path: string },
): Router {
  const base = config.publicUrl + path;
  const journal = createJournal(world, config.sessionSecrets[0] ?? '');
  const router = Router({ caseSensitive: true, strict: true });
  router.use(shield({ hsts: false }));
  const place = { root: ROOT, base, home, hasPage: false };
  router.use(createRoutes({ config, store, world, hooks, sessions, journal, ...place }));
  router.use(problemHandler(`${base}/errors.md`, journal.failed));
  return router;
}

/** Where an app is mounted, which Express knows if it is mounted on apps alone. */
const pathOf = (app: Express): string => app.path().replace(/\/+/g, '/').replace(/\/$/, '');

/**
 * Whether a request came to the path that links lead back to; in other letters it is not ours.
 * @throws SetupError where the routes are mounted in a way that hides that path
 */
function isAt({ baseUrl }: Request, path: string): boolean {
  if (baseUrl.toLowerCase() === path.toLowerCase()) return baseUrl === path;
  throw new SetupError(
    `createSilentAuth is at ${baseUrl}, and cannot know it: mount it once, on the app itself, app.use('/path', …), not on a Router.`,
  );
}

export { ConfigError } from './config/config.js';
export type {
  BeforeLoginAnswer,
  BeforeSessionAnswer,
  Hooks,
  ProvenLogin,
  Visitor,
  WantedLogin,
} from './login/hooks.js';
export type { Channel } from './login/login.js';
export type { Log } from './core/world.js';
