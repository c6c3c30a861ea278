import { RedisStore } from 'connect-redis';
import type { Request } from 'express';
import session, { type CookieOptions, type Session, type SessionData } from 'express-session';
import { SetupError } from '../core/errors.js';
import type { Login, User } from '../login/login.js';
import type { Sessions } from '../login/routes.js';
import type { Store } from '../store/store.js';
import {
  createSessionRecords,
  handleOf,
  SESSION_KEY_PREFIX,
  sessionEnded,
  type SessionDeps,
  type SessionRecord,
  type SessionRecords,
  createLoginSession,
  NOT_LOADED,
  type RecordAccess,
  type Registry,
} from './records.js';

declare module 'express-session' {
  interface SessionData {
    login?: Login | undefined;
    user?: User | undefined;
    /** The text the record was read from; absent while the session is new. */
    stored?: string | undefined;
    /** The session has a newer secret or a record of another release: it can only be ended. */
    outdated?: true;
  }
}

type Done = (error?: unknown, session?: SessionData | null) => void;

class Conflict extends Error {}

/**
 * connect-redis with sealed records. It differs from its documentation in three points:
 * - The key of a record is the handle of its id, and only an id with the current secret reads it.
 * - A save replaces only the record that was read: a slow request restores no ended session.
 * - `regenerate` changes only the secret of the id, so that any former cookie can end the session.
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
        expire: (key: string, seconds: number) => store.expire(key, seconds),
      },
      prefix: SESSION_KEY_PREFIX,
      ttl: (state) => records.secondsLeft(state),
      // `set` below does not use the serializer.
      serializer: { parse: (stored) => records.open(stored) as never, stringify: JSON.stringify },
    });
  }

  override async get(id: string, done: Done): Promise<void> {
    await super.get(handleOf(id), (error: unknown, record?: SessionRecord | null) => {
      const seen = error ? undefined : this.records.seenBy(id, record);
      done(error, seen === undefined ? null : this.dataOf(seen));
    });
  }

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

  /**
   * Runs after the answer, so an error cannot be reported: express-session would run the handlers
   * again. A session that was not touched expires earlier.
   */
  override async touch(id: string, data: SessionData, done?: () => void): Promise<void> {
    if (data.outdated) return done?.();
    await super.touch(handleOf(id), data, () => done?.());
  }

  override createSession(req: Request, data: SessionData): Session & Partial<SessionData> {
    const { stored } = data;
    // In place, because express-session compares `data` with the session after the answer.
    delete data.stored;
    return hideStored(super.createSession(req, data), stored);
  }
}

/** Hides `stored` from express-session, which serializes a session to see whether it changed. */
const hideStored = <T extends Partial<SessionData>>(data: T, stored: string | undefined): T =>
  Object.defineProperty(data, 'stored', { value: stored, enumerable: false, configurable: true });

const settled = (ask: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (!error) resolve();
      else reject(error instanceof Error ? error : new Error('the session failed', { cause: error }));
    });
  });

/** Only {@link save} writes: after the answer, another request may have changed the session. */
const withoutAutomaticSave = (read: Session): void => {
  read.save = (done) => (done?.(undefined), read);
};

/** Keeps express-session from writing or touching anything after the answer. */
const leaveWithoutSession = (req: Request): void => void Object.assign(req, { session: undefined });

/** Saves before the answer: a fast client must find the session, and a failure must be reported. */
async function save(req: Request): Promise<void> {
  const { prototype } = session.Session as { prototype: Session };
  await settled((done) => prototype.save.call(req.session, done));
  withoutAutomaticSave(req.session);
}

/** @throws LoginError `login_expired` if the session ended or has a newer secret */
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

function recordAccessOf(req: Request): RecordAccess {
  return {
    get handle() {
      return handleOf(req.sessionID);
    },
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
        // express-session would save again after the answer, although a failure was reported.
        leaveWithoutSession(req);
        throw error;
      }
    },
  };
}

/**
 * What express-session sees as the request, so that it does not set the host app's session. It does
 * not inherit from the request: V8 is slow with objects that are prototypes (a tenth of a login).
 */
class View {
  session: unknown;
  sessionID: unknown;
  sessionStore: unknown;
  readonly headers: Request['headers'];
  readonly originalUrl: string;

  constructor(private readonly request: Request) {
    this.headers = request.headers;
    this.originalUrl = request.originalUrl;
  }

  get secure(): boolean {
    return this.request.secure;
  }
}

/** Sessions by a cookie of our own. @param deps `secureCookie`: clients use https only */
export function createCookieSessions(
  deps: SessionDeps & { registry: Registry; secureCookie: boolean },
): Sessions {
  const { registry } = deps;
  const records = createSessionRecords(deps);
  // By `__Host-` browsers accept the cookie only from this host, with Secure and for all paths.
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

  const viewKey = Symbol('view');
  const viewIn = (req: object) => (req as Record<symbol, Request | undefined>)[viewKey];
  const viewOf = (req: Request): Request => {
    const view = viewIn(req);
    if (view === undefined) throw new SetupError(NOT_LOADED);
    return view;
  };

  return {
    load(req, res, next) {
      const view = viewIn(req) ?? (new View(req) as unknown as Request);
      Object.assign(req, { [viewKey]: view });
      void middleware(view, res, next);
    },
    loginSession: (req) => createLoginSession(recordAccessOf(viewOf(req)), { ...records, registry }),
    handle: (req) => recordAccessOf(viewOf(req)).handle,
    user: (req) => records.userOf(recordAccessOf(viewOf(req)).state),
    async signOut(req, res) {
      const view = viewOf(req);
      const { session: loaded } = view as { session?: Session & Partial<SessionData> };
      // A session that was never saved is not in the store, and the request's cookie is not ours.
      if (loaded !== undefined && isNew(loaded)) return false;
      leaveWithoutSession(view);
      const hasEnded = await records.end(view.sessionID);
      if (loaded?.user !== undefined) await registry.forget(handleOf(view.sessionID), loaded.user);
      res.clearCookie(name, cookie);
      return hasEnded;
    },
  };
}
