import type { Request, RequestHandler, Response } from 'express';
import session from 'express-session';
import { LoginError } from '../errors.js';
import type { Holder } from '../login/holder.js';
import type { Login, User } from '../login/login.js';
import { randomToken, type World } from '../world.js';
import { createLife } from './life.js';
import { destroy, regenerate, reload, save } from './request.js';
import { createSessionStore } from './store.js';
import type { Store } from '../store/store.js';

declare module 'express-session' {
  interface SessionData {
    login?: Login;
    user?: User;
    /** The id the session lies under in the store; absent while it is new. */
    storedAs?: string;
    /** The id of the session whose place this new one takes. */
    movesFrom?: string;
  }
}

/**
 * A session id: 256 random bits. The part in braces ahead of them is the one of the id it follows, which makes a cluster keep
 * both on one node, so that a session moves in one step. It says which node that is, and nothing else.
 */
export const newId = (follows: string | undefined, world: Pick<World, 'random'>): string =>
  (/^\{.{3}\}/.exec(follows ?? '')?.[0] ?? `{${randomToken(world).slice(0, 3)}}`) + randomToken(world);

export interface Sessions {
  /** Loads the session of a request. Wanted by every route that uses the functions below, and by no other. */
  load: RequestHandler;
  holder(req: Request): Holder;
  /** Who is logged in, and in how many milliseconds since the epoch that ends if nothing more is asked. */
  user(req: Request): (User & { expiresAt: number }) | undefined;
  /** Ends the session and takes the cookie back. */
  signOut(req: Request, res: Response): Promise<void>;
}

export function createSessions(deps: {
  store: Store;
  secrets: readonly string[];
  secureCookie: boolean;
  world: World;
}): Sessions {
  const { world } = deps;
  // `__Host-` makes the browser refuse the cookie from any other host, without Secure, or for a part of the paths.
  const name = deps.secureCookie ? '__Host-sid' : 'sid';
  const cookie = { path: '/', httpOnly: true, secure: deps.secureCookie, sameSite: 'lax' } as const;
  const life = createLife(world);

  const load = session({
    name,
    cookie,
    secret: [...deps.secrets],
    store: createSessionStore({ store: deps.store, secrets: deps.secrets, cookie, lifeOf: life.left }),
    genid: ({ sessionID }) => newId(sessionID, world),
    resave: false,
    saveUninitialized: false,
  });

  /** Leaves the old id, which must still have been alive, for a new one. */
  const moveTo = async (req: Request, login: Login, user: User | undefined): Promise<void> => {
    if (req.session.storedAs) await regenerate(req);
    req.session.login = login;
    if (user) req.session.user = user;
    await save(req);
  };
  const currentUser = ({ session: { user } }: Request): User | undefined => life.current(user);

  return {
    load,
    holder: (req) => ({
      get login() {
        const { login } = req.session;
        return login?.status === 'cancelled' ? undefined : login;
      },
      get former() {
        return req.session.login;
      },
      async change(how) {
        await this.refresh();
        const { login } = this;
        if (login === undefined) return;
        const changed = how(login);
        if (changed !== login) await this.update(changed);
      },
      begin: (login) => moveTo(req, login, currentUser(req)),
      async signIn(user, login) {
        await reload(req);
        if (this.login?.id !== login.id || this.login.locked)
          throw new LoginError('login_expired', 'The login ended meanwhile.');
        await moveTo(req, login, user);
      },
      refresh: () => reload(req),
      update: async (login) => {
        if (login) req.session.login = login;
        else delete req.session.login;
        await save(req);
      },
    }),
    user(req) {
      const user = currentUser(req);
      return user && { ...user, expiresAt: life.expiry(user) };
    },
    async signOut(req, res) {
      // A request that found its session ended has none any more.
      const { session } = req as { session?: Request['session'] };
      if (!session?.storedAs) return;
      // A session that somebody else ended meanwhile is as dead as it should be.
      await destroy(req).catch((error: unknown) => {
        if (!(error instanceof LoginError && error.code === 'login_expired')) throw error;
      });
      res.clearCookie(name, cookie);
    },
  };
}
