import { RedisStore } from 'connect-redis';
import type { Request } from 'express';
import session, { type CookieOptions, type Session, type SessionData } from 'express-session';
import { SetupError } from '../core/errors.js';
import type { Login, User } from '../login/login.js';
import type { Store } from '../store/store.js';
import { createLoginSession, NOT_LOADED, type Carrier } from './login-session.js';
import type { Sessions } from '../login/routes.js';
import {
  createSessionRecords,
  handleOf,
  SESSION_KEY_PREFIX,
  sessionEnded,
  type SessionDeps,
  type SessionRecord,
  type SessionRecords,
} from './records.js';

declare module 'express-session' {
  interface SessionData {
    login?: Login | undefined;
    user?: User | undefined;
    /** The text the record was read from; absent while the session is new. */
    stored?: string | undefined;
    /**
     * The session can be ended, but not read: by an outdated secret, or as another release wrote
     * it.
     */
    outdated?: true;
  }
}

type Done = (error?: unknown, session?: SessionData | null) => void;

/** Another request changed or ended the session since it was read. */
class Conflict extends Error {}

/**
 * connect-redis, with the sealing of our records as its serializer. It goes beyond its
 * documentation in three ways:
 * - A record lies under the handle of an id, and only the id with its current secret reads it.
 * - A save replaces the record that was read and no other, so that a slow request brings nothing
 *   back.
 * - `regenerate` keeps the record and changes the secret of its id, so that any cookie of a session
 *   can end it.
 */
class CookieStore extends RedisStore {
  constructor(
    store: Store,
    private readonly records: SessionRecords,
    private readonly cookie: CookieOptions,
  ) {
    super({
      client: {
        get: (key: string) => store.get(key),
        del: ([key = '']: string[]) => store.delete(key),
        expire: (key: string, seconds: number) => store.expire(key, seconds),
      },
      prefix: SESSION_KEY_PREFIX,
      ttl: (state) => records.secondsLeft(state),
      // A record that does not open is no session; `set` below seals by itself.
      serializer: { parse: (stored) => records.open(stored) as never, stringify: JSON.stringify },
    });
  }

  override async get(id: string, done: Done): Promise<void> {
    await super.get(handleOf(id), (error: unknown, record?: SessionRecord | null) => {
      const seen = error ? undefined : this.records.seenBy(id, record);
      done(error, seen === undefined ? null : this.dataOf(seen));
    });
  }

  /** What express-session makes the session of the request from. */
  private dataOf(seen: SessionRecord | 'outdated'): SessionData {
    const cookie: unknown = { ...this.cookie, originalMaxAge: null };
    if (seen === 'outdated') return { cookie, outdated: true } as SessionData;
    const { login, user, stored } = seen;
    return { cookie, login, user, stored } as SessionData;
  }

  override async set(id: string, data: SessionData, done?: Done): Promise<void> {
    try {
      const stored = await this.records.write(id, data, data.stored);
      if (stored === undefined) throw new Conflict();
      hideStored(data, stored);
      done?.();
    } catch (error) {
      done?.(error);
    }
  }

  override regenerate(req: Request, done: Done): void {
    const { stored } = req.session;
    (this as unknown as { generate: (req: Request) => void }).generate(req);
    hideStored(req.session, stored);
    done();
  }

  override async destroy(id: string, done?: Done): Promise<void> {
    await super.destroy(handleOf(id), done);
  }

  /**
   * Comes with the end of an answer, when no error can be answered any more: express-session would
   * run the handlers again. A session that could not be touched ends earlier.
   */
  override async touch(id: string, data: SessionData, done?: () => void): Promise<void> {
    if (data.outdated) return done?.();
    await super.touch(handleOf(id), data, () => done?.());
  }

  override createSession(req: Request, data: SessionData): Session & Partial<SessionData> {
    const { stored } = data;
    // In place: express-session compares what it hands in here with the session at the end of the
    // answer.
    delete data.stored;
    return hideStored(super.createSession(req, data), stored);
  }
}

/**
 * Keeps the text of a record out of what express-session serializes to see whether a session was
 * changed.
 */
const hideStored = <T extends Partial<SessionData>>(data: T, stored: string | undefined): T =>
  Object.defineProperty(data, 'stored', { value: stored, enumerable: false, configurable: true });

/**
 * What express-session does for one request, as promises, and without its writing by itself when an
 * answer ends.
 */
const settled = (ask: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (!error) resolve();
      else reject(error instanceof Error ? error : new Error('the session failed', { cause: error }));
    });
  });

/**
 * By the end of an answer another request may have changed or ended the session: only {@link save}
 * writes it.
 */
const withoutAutomaticSave = (read: Session): void => {
  read.save = (done) => (done?.(undefined), read);
};

/** express-session then neither writes nor touches anything as the answer ends. */
const leaveWithoutSession = (req: Request): void => void Object.assign(req, { session: undefined });

/**
 * Saves before the answer goes out: a fast client must find the session, and a failing store must
 * be an error.
 */
async function save(req: Request): Promise<void> {
  const { prototype } = session.Session as { prototype: Session };
  await settled((done) => prototype.save.call(req.session, done));
  withoutAutomaticSave(req.session);
}

/** @throws LoginError `login_expired` if the session ended, or goes on under a newer secret */
async function reload(req: Request): Promise<void> {
  const { sessionStore: store, sessionID } = req;
  await settled((done) =>
    store.get(sessionID, (error, found) => {
      if (found && !found.outdated) withoutAutomaticSave(store.createSession(req, found));
      else leaveWithoutSession(req);
      done(error ?? (found && !found.outdated ? undefined : sessionEnded()));
    }),
  );
}

const isNew = ({ stored, outdated }: Partial<SessionData>): boolean =>
  stored === undefined && outdated === undefined;

/** The session of one request, in the steps that the documentation of express-session names. */
function carrierOf(req: Request): Carrier {
  return {
    get state() {
      return (req as { session?: SessionData }).session ?? {};
    },
    reload: () => reload(req),
    async write({ login, user }, renewed) {
      if ((req as { session?: SessionData }).session === undefined) throw sessionEnded();
      const id = req.sessionID;
      if (renewed && !isNew(req.session)) await settled((done) => req.session.regenerate(done));
      Object.assign(req.session, { login, user });
      try {
        await save(req);
        return true;
      } catch (error) {
        req.sessionID = id;
        if (error instanceof Conflict) return false;
        // express-session would try once more as the answer ends, and might then succeed at what
        // was said to have failed.
        leaveWithoutSession(req);
        throw error;
      }
    },
  };
}

/**
 * Sessions by a cookie of ours.
 * @param secureCookie whether the server is reached by https alone
 */
export function createCookieSessions(deps: SessionDeps & { secureCookie: boolean }): Sessions {
  const records = createSessionRecords(deps);
  // `__Host-` makes the browser refuse the cookie from any other host, without Secure, or for a
  // part of the paths.
  const name = deps.secureCookie ? '__Host-sid' : 'sid';
  const cookie = { path: '/', httpOnly: true, secure: deps.secureCookie, sameSite: 'lax' } as const;
  const middleware = session({
    name,
    cookie,
    secret: [...deps.secrets],
    store: new CookieStore(deps.store, records, cookie),
    genid: (req) => {
      const { session: before } = req as { session?: Partial<SessionData> };
      return before?.stored === undefined ? records.newId() : records.renewedId(req.sessionID);
    },
    resave: false,
    saveUninitialized: false,
  });

  /**
   * What express-session sees of a request: the session it sets there is not that of an app around
   * us.
   */
  const views = new WeakMap<Request, Request>();
  const viewOf = (req: Request): Request => {
    const view = views.get(req);
    if (view === undefined) throw new SetupError(NOT_LOADED);
    return view;
  };

  return {
    load(req, res, next) {
      const known = views.get(req);
      const view =
        known ?? (Object.create(req, { session: { value: undefined, writable: true } }) as Request);
      views.set(req, view);
      // It leaves a request alone whose session it has loaded.
      void middleware(view, res, next);
    },
    loginSession: (req) => createLoginSession(carrierOf(viewOf(req)), records),
    user(req) {
      const user = records.currentUser(carrierOf(viewOf(req)).state);
      return user && { ...user, expiresAt: records.expiryOf(user) };
    },
    async signOut(req, res) {
      const view = viewOf(req);
      const { session: loaded } = view as { session?: Session & Partial<SessionData> };
      // A session that was never saved is not in the store, and the cookie that came with the
      // request is not ours.
      if (loaded !== undefined && isNew(loaded)) return;
      leaveWithoutSession(view);
      await settled((done) => view.sessionStore.destroy(view.sessionID, done));
      res.clearCookie(name, cookie);
    },
  };
}
