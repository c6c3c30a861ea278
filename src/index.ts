import { fileURLToPath } from 'node:url';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { pino } from 'pino';
import { z } from 'zod';
import { ConfigError, readConfig } from './config/config.js';
import type { Env } from './config/reader.js';
import type { RedisClient } from './config/redis.js';
import { SetupError } from './core/errors.js';
import { parsePhoneNumber } from './core/phone-number.js';
import { systemWorld, type Log, type World } from './core/world.js';
import { readClientAddresses } from './http/caller.js';
import { claim, isMountedAt, pathOf, rootOf } from './http/mount-point.js';
import { problemHandler } from './http/problems.js';
import { shield } from './http/protection.js';
import { createNotify, type Hooks } from './login/hooks.js';
import type { User } from './login/login.js';
import type { Sessions } from './login/routes.js';
import { openStdout } from './observability/observability.js';
import { bareApp, createCommon, createRoutes, onlyOurPaths } from './routes.js';
import { createCookieSessions } from './session/cookie.js';
import { createHostSessions } from './session/host.js';
import { revokeByOperator } from './session/operator.js';
import { createMemoryStore } from './store/memory.js';
import { openRedisStore } from './store/redis.js';
import type { Store } from './store/store.js';

export interface SilentAuthOptions {
  /** The settings by their names in the environment (docs/settings.md); default `process.env`. */
  env?: Env;
  /**
   * What carries the session: `own`, a cookie of this product, for apps without sessions (the
   * default); or `host`, the app's `req.session` of express-session.
   */
  session?: 'own' | 'host';
  /** The app's client of ioredis, which is duplicated. Default: `REDIS_URL`, or else memory. */
  redis?: RedisClient;
  /** Where `/callback` sends browsers: a path, or a URL in `ALLOWED_ORIGINS`. Default `/`. */
  homeUrl?: string;
  /** See docs/hooks.md. */
  hooks?: Hooks;
  /** Default: pino on the standard output. */
  log?: Log;
}

const hasMethod = (name: string) => (value: unknown) =>
  typeof (value as Record<string, unknown> | undefined)?.[name] === 'function';

const aFunction = <T>() => z.custom<T>(hasMethod('call'), { error: 'must be a function.' });

const isHome = (text: string): boolean =>
  /^(?:\/(?!\/)|https?:\/\/)[^#\s]*$/.test(text) && URL.canParse(text, 'http://localhost');

const Options = z.strictObject({
  env: z
    .record(z.string(), z.string({ error: 'must be text.' }).optional(), {
      error: 'must be an object like process.env.',
    })
    .optional(),
  session: z.enum(['own', 'host'], { error: 'must be "own" or "host".' }).optional(),
  redis: z
    .custom<RedisClient>((value) => hasMethod('duplicate')(value) && hasMethod('defineCommand')(value), {
      error: 'must be a client of ioredis.',
    })
    .refine((client) => !('isCluster' in client && client.isCluster === true), {
      error: 'must be a client of one server or of a Sentinel, not of a Cluster.',
    })
    .optional(),
  homeUrl: z.string().refine(isHome, 'must be a path or a URL, without a fragment.').optional(),
  hooks: z
    .strictObject({
      beforeLogin: aFunction<Hooks['beforeLogin']>().optional(),
      beforeSession: aFunction<Hooks['beforeSession']>().optional(),
      onEvent: aFunction<Hooks['onEvent']>().optional(),
    })
    .optional(),
  log: z
    .custom<Log>(hasMethod('error'), { error: 'must be a logger with debug, info, warn and error.' })
    .optional(),
});

/** @throws ConfigError with every problem of the options and settings at once, or of `homeUrl` */
function readOptions(options: SilentAuthOptions) {
  const parsed = Options.safeParse(options);
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `createSilentAuth: "${[...issue.path, key].join('.')}" is no option.`)
      : [`createSilentAuth: ${issue.path.join('.')} ${issue.message}`],
  );
  const { session = 'own', redis, homeUrl = '/', hooks = {}, log } = options;
  const env = Object.fromEntries(
    Object.entries(options.env ?? process.env).filter(([, value]) => typeof value === 'string'),
  );
  if (env['HOOKS']?.trim())
    problems.push('HOOKS is for the server by itself: give createSilentAuth the hooks.');
  const config = readConfig(env, problems, { hasStore: redis !== undefined });
  const { origin } = new URL(homeUrl, config.publicUrl);
  if (![config.publicUrl, ...config.allowedOrigins].includes(origin)) {
    throw new ConfigError([`createSilentAuth: homeUrl must be on PUBLIC_URL or one of ALLOWED_ORIGINS.`]);
  }
  return { config, session, redis, home: homeUrl, hooks, log };
}

type MountSettings = ReturnType<typeof readOptions>;

/** The user of a session. Times are in milliseconds since the epoch. */
export type SilentAuthUser = User & { expiresAt: number };

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express's request is extended by it
  namespace Express {
    interface Request {
      /** Set by `load`. */
      silentAuth: { user: SilentAuthUser | undefined };
    }
  }
}

/** The routes of the product, to be mounted: `app.use('/auth', silentAuth)`. */
export interface SilentAuth extends RequestHandler {
  /** For the app's own routes: sets `req.silentAuth.user`. */
  load: RequestHandler;
  /** For the app's own logout: ends the session of a request that passed `load`. */
  signOut(req: Request, res: Response): Promise<void>;
  /**
   * Ends the sessions of a number, and its logins that are under way, as an operator.
   * @returns how many sessions ended
   * @throws RangeError for a text that is no phone number in E.164
   */
  endSessions(phoneNumber: string): Promise<number>;
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Creates the routes for an Express app to mount (docs/mounting.md). @throws ConfigError */
export function createSilentAuth(options: SilentAuthOptions = {}): SilentAuth {
  const settings = readOptions(options);
  const { config } = settings;
  const world = systemWorld(settings.log ?? pino({ level: config.logLevel, base: null }, openStdout()));
  const opened = openStore(settings, world).then((store) => withSessions(settings, store, world));
  // Each request reports the failure. Until the first one, Node must not end the app for it.
  opened.catch(() => undefined);

  const app = bareApp(config);
  // If TRUST_PROXY is not set, Express inherits the app's setting.
  if (config.trustProxy !== false) app.set('trust proxy', config.trustProxy);
  app.on('mount', () => claim(rootOf(app), app));
  readClientAddresses(app, world);
  let routes: Promise<Router> | undefined;
  const open = async () => routesOf(settings, await opened, pathOf(app));
  app.use(onlyOurPaths, async (req, res, next) => {
    // Only now are all apps mounted in each other.
    claim(rootOf(app), app);
    claim(req, app);
    if (isMountedAt(req, pathOf(app))) (await (routes ??= open()))(req, res, next);
    else next();
  });

  const load: RequestHandler = async (req, res, next) => {
    claim(req, app);
    const { sessions: ready } = await opened;
    void ready.load(req, res, (error?: unknown) => {
      if (error === undefined) req.silentAuth = { user: ready.user(req) };
      next(error);
    });
  };
  const signOut = async (req: Request, res: Response): Promise<void> => {
    await (await opened).sessions.signOut(req, res);
  };
  const endSessions = async (text: string) => {
    const phoneNumber = parsePhoneNumber(text);
    if (phoneNumber === undefined) throw new RangeError('This is not a phone number in E.164.');
    const { userSessions } = await opened;
    const notify = createNotify(settings.hooks, world);
    return (await revokeByOperator({ userSessions, notify }, phoneNumber)).length;
  };
  const close = async () => (await opened).store.close();
  return Object.assign(app as RequestHandler, { load, signOut, endSessions, close });
}

const openStore = async ({ redis, config }: MountSettings, world: World): Promise<Store> => {
  const where = redis ?? config.redis;
  return where === undefined ? createMemoryStore(world) : openRedisStore(where, world.log);
};

function withSessions({ session, config }: MountSettings, store: Store, world: World) {
  const common = createCommon({ config, store, world });
  const sessions =
    session === 'host'
      ? createHostSessions(common.sessionDeps)
      : withoutAppSession(createCookieSessions(common.sessionDeps));
  return { ...common, sessions };
}

const TWO_SESSIONS =
  "the app has a req.session: give createSilentAuth session: 'host', and mount it behind the app's session";

/** Refuses an app's own session, in which a user's data would outlive the login's session. */
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

/** The routes with their own headers and error handler, which the app's other routes do not get. */
function routesOf(
  { config, hooks, home }: MountSettings,
  opened: ReturnType<typeof withSessions>,
  path: string,
): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.use(shield({ hsts: false }));
  const place = { root: ROOT, base: config.publicUrl + path, home, hasPage: false };
  router.use(createRoutes({ ...opened, hooks, ...place }));
  router.use(problemHandler({ page: config.page, ...place, failed: opened.journal.failed }));
  return router;
}

export { ConfigError } from './config/config.js';
export type {
  AuthEvent,
  BeforeLoginAnswer,
  BeforeSessionAnswer,
  Hooks,
  ProvenLogin,
  Visitor,
  WantedLogin,
} from './login/hooks.js';
export type { Channel } from './login/login.js';
export type { Log } from './core/world.js';
