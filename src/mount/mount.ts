import { fileURLToPath } from 'node:url';
import { Router, type Express, type Request, type RequestHandler, type Response } from 'express';
import { pino } from 'pino';
import { SetupError } from '../errors.js';
import { createRoutes, oursAlone } from '../routes.js';
import { createJournal } from '../login/journal.js';
import type { User } from '../login/login.js';
import { createHostSessions } from '../session/host.js';
import { createSessions, type Sessions } from '../session/session.js';
import { createMemoryStore } from '../store/memory.js';
import { openRedisStore } from '../store/redis.js';
import type { Store } from '../store/store.js';
import { readClientAddresses } from '../web/address.js';
import { bareApp } from '../web/bare.js';
import { problemHandler } from '../web/problem.js';
import { shield } from '../web/shield.js';
import { systemWorld, type World } from '../world.js';
import { readOptions, type MountSettings, type SilentAuthOptions } from './options.js';
import { alone } from './own.js';

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

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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
  readClientAddresses(app, world);
  let routes: Promise<Router> | undefined;
  const open = async () => routesOf(settings, await opening, await sessions, world, pathOf(app));
  app.use(oursAlone, async (req, res, next) => {
    if (isAt(req, pathOf(app))) (await (routes ??= open()))(req, res, next);
    else next();
  });

  const load: RequestHandler = async (req, res, next) => {
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
  return alone(createSessions({ ...deps, secureCookie: config.publicUrl.startsWith('https:') }));
}

/** The routes with what every answer of theirs wants, and no answer of the app's. */
function routesOf(
  { config, hooks, home }: MountSettings,
  store: Store,
  sessions: Sessions,
  world: World,
  path: string,
): Router {
  const base = config.publicUrl + path;
  const journal = createJournal(world);
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
