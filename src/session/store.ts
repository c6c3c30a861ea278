import { RedisStore } from 'connect-redis';
import type { Request } from 'express';
import type { Session, SessionData } from 'express-session';
import { LoginError } from '../errors.js';
import { deriveKey, seal, unseal } from '../store/seal.js';
import type { Store } from '../store/store.js';

const PREFIX = 'sess:';
const PURPOSE = 'session';

type Done = (error?: unknown) => void;

/**
 * connect-redis over our store, which is Redis or the embedded one, with two things added. A session that ended stays
 * ended: a request that loaded it earlier can neither write it back nor move it to a new id, both of which
 * express-session would do. And a session counts only under the id it was stored as, so that nobody who can write to
 * Redis can give himself somebody else's.
 */
class SessionStore extends RedisStore {
  constructor(
    private readonly store: Store,
    secrets: readonly string[],
    private readonly lifeOf: (session: SessionData) => number,
  ) {
    super({
      client: asRedisClient(store),
      prefix: PREFIX,
      serializer: createSerializer(secrets),
      ttl: lifeOf,
    });
  }

  override async set(sid: string, session: SessionData, done?: Done): Promise<void> {
    const isNew = session.storedAs === undefined;
    const value = this.serializer.stringify({ ...session, storedAs: sid });
    try {
      const written = await this.store.set(
        PREFIX + sid,
        value,
        this.lifeOf(session),
        isNew ? 'new' : 'existing',
      );
      done?.(written ? undefined : isNew ? new Error('a new session was not kept') : ended());
    } catch (error) {
      done?.(error);
    }
  }

  override async destroy(sid: string, done?: Done): Promise<void> {
    try {
      const wasAlive = await this.store.delete(PREFIX + sid);
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
    return super.createSession(
      req,
      session.storedAs === req.sessionID ? session : { cookie: session.cookie },
    );
  }
}

const ended = (): LoginError => new LoginError('login_expired', 'The session has ended meanwhile.');

export const createSessionStore = (deps: {
  store: Store;
  secrets: readonly string[];
  /** Seconds this session may lie unused; nothing is kept for 0 or less. */
  lifeOf: (session: SessionData) => number;
}): RedisStore => new SessionStore(deps.store, deps.secrets, deps.lifeOf);

/** The commands that connect-redis still sends by itself: loading a session, and touching it. */
const asRedisClient = (store: Store) => ({
  get: (key: string) => store.get(key),
  expire: (key: string, ttlSeconds: number) => store.expire(key, ttlSeconds),
});

/** Seals with the first secret and opens with any, so that secrets can be rotated. What does not open is no session. */
function createSerializer(secrets: readonly string[]) {
  const keys = secrets.map((secret) => deriveKey(secret, PURPOSE));
  return {
    stringify: (session: SessionData) => seal(keys[0] as Buffer, PURPOSE, JSON.stringify(session)),
    parse(sealed: string): SessionData {
      const text = keys.map((key) => unseal(key, PURPOSE, sealed)).find((opened) => opened !== undefined);
      // express-session takes null for "no such session"; the type of connect-redis leaves that out.
      return JSON.parse(text ?? 'null') as SessionData;
    },
  };
}
