import { RedisStore } from 'connect-redis';
import type { Request } from 'express';
import type { CookieOptions, Session, SessionData } from 'express-session';
import { LoginError } from '../errors.js';
import { createKeyring, type Keyring } from '../store/seal.js';
import type { Store } from '../store/store.js';

const PREFIX = 'sess:';

type Done = (error?: unknown) => void;

interface Deps {
  store: Store;
  secrets: readonly string[];
  /** What every session's cookie is made with; it is not kept with the session. */
  cookie: CookieOptions;
  /** Seconds this session may lie unused; nothing is kept for 0 or less. */
  lifeOf: (session: SessionData) => number;
}

/**
 * connect-redis over our store, which is Redis or the embedded one, with three things added. A session is sealed under the id it
 * is stored as, so that it can neither be read in Redis nor be moved to somebody else's id there. One that ended stays
 * ended: a request that loaded it earlier can neither write it back nor move it to a new id, both of which
 * express-session would do. And it moves to a new id in one step, so that nothing can happen in between.
 */
class SessionStore extends RedisStore {
  private readonly keyring: Keyring;

  constructor(private readonly deps: Deps) {
    const keyring = createKeyring(deps.secrets, 'session');
    super({ client: asRedisClient(deps.store, keyring), prefix: PREFIX, ttl: deps.lifeOf });
    this.keyring = keyring;
  }

  override async set(sid: string, session: SessionData, done?: Done): Promise<void> {
    try {
      done?.((await this.keep(sid, session)) ? undefined : ended());
    } catch (error) {
      done?.(error);
    }
  }

  private keep(sid: string, { storedAs, movesFrom, ...session }: SessionData): Promise<boolean> {
    const { store, lifeOf } = this.deps;
    const at = PREFIX + sid;
    const value = this.keyring.seal(at, JSON.stringify({ ...session, cookie: undefined }));
    const life = lifeOf(session);
    if (movesFrom !== undefined) return store.move(PREFIX + movesFrom, at, value, life);
    return store.set(at, value, life, storedAs === undefined ? 'new' : 'existing');
  }

  /** Gives the request a new and empty session, which takes the place of the old one once it is saved. */
  override regenerate(req: Request, done: Done): void {
    const from = req.sessionID;
    (this as unknown as { generate: (req: Request) => void }).generate(req);
    req.session.movesFrom = from;
    done();
  }

  override async destroy(sid: string, done?: Done): Promise<void> {
    try {
      const wasAlive = await this.deps.store.delete(PREFIX + sid);
      done?.(wasAlive ? undefined : ended());
    } catch (error) {
      done?.(error);
    }
  }

  /**
   * Comes with the end of an answer, which has nobody left to tell of an error: express-session would start the chain of
   * handlers again. A session that could not be touched ends the earlier, that is all.
   */
  override async touch(sid: string, session: SessionData, done?: () => void): Promise<void> {
    await super.touch(sid, session, () => done?.());
  }

  override createSession(req: Request, session: SessionData): Session & Partial<SessionData> {
    const cookie: unknown = { ...this.deps.cookie, originalMaxAge: null };
    // In place: what express-session goes by to see whether a session was changed is the one it hands in.
    Object.assign(session, { cookie, storedAs: req.sessionID });
    return super.createSession(req, session);
  }
}

const ended = (): LoginError => new LoginError('login_expired', 'The session has ended meanwhile.');

export const createSessionStore = (deps: Deps): RedisStore => new SessionStore(deps);

/** The commands that connect-redis still sends by itself: loading a session, and touching it. */
const asRedisClient = (store: Store, keyring: Keyring) => ({
  /** What does not open is no session. */
  async get(at: string) {
    const sealed = await store.get(at);
    return sealed === null ? null : (keyring.open(at, sealed) ?? null);
  },
  expire: (at: string, ttlSeconds: number) => store.expire(at, ttlSeconds),
});
