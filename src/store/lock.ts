import { LoginError } from '../core/errors.js';
import { randomToken, type World } from '../core/world.js';
import { COMMAND_TIMEOUT_MS } from './options.js';
import type { Store } from './store.js';

export interface Lock {
  /**
   * Runs `work` while holding the lock of `id`.
   * @param longestMs the longest duration of `work`: the lock expires only if the process dies
   * @throws LoginError `login_in_progress` at once if another request holds the lock
   */
  hold<T>(id: string, longestMs: number, work: () => Promise<T>): Promise<T>;
}

/**
 * A lock is a key with a random token. A holder deletes only its own token, so that one that is
 * late does not free the next holder's lock (Redis documentation, "Distributed Locks with Redis").
 */
export const createLock = (store: Store, world: Pick<World, 'random'>): Lock => ({
  async hold(id, longestMs, work) {
    const [key, token] = [`lock:${id}`, randomToken(world)];
    // The time starts when Redis sets the key; its answer may take as long as a command may.
    const ttlSeconds = Math.ceil((longestMs + COMMAND_TIMEOUT_MS) / 1000);
    const free = () => store.deleteIf(key, token).catch(() => undefined);
    const isHeld = await store.add(key, token, ttlSeconds).catch((error: unknown) => {
      // A store that answers too late may have set the lock. This request does not wait for it.
      void free();
      throw error;
    });
    if (!isHeld) throw lockHeld();
    try {
      return await work();
    } finally {
      await free();
    }
  },
});

/** For changes that the work under the lock makes unnecessary. Rethrows any other error. */
export function ignoreHeldLock(error: unknown): void {
  if (!(error instanceof LoginError && error.code === 'login_in_progress')) throw error;
}

export const lockHeld = (): LoginError =>
  new LoginError('login_in_progress', 'Another request is changing this login. Try again.', {
    retry_after: 1,
  });
