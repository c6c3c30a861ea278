import { LoginError } from '../core/errors.js';
import { COMMAND_TIMEOUT_MS } from './options.js';
import type { Store } from './store.js';
import { randomToken, type World } from '../core/world.js';

/** Lets one request at a time change what a key stands for. */
export interface Lock {
  /**
   * Does `work` while nobody else holds the lock of `id`.
   * @param longestMs the most milliseconds that `work` can take: the lock expires by itself only if
   * the process dies
   * @throws LoginError `login_in_progress` at once when another request holds it
   */
  hold<T>(id: string, longestMs: number, work: () => Promise<T>): Promise<T>;
}

/**
 * A lock is a key that holds a random token of its holder, and only the holder deletes it: a holder
 * that comes to its end too late leaves the lock of the next one alone (Redis documentation,
 * "Distributed Locks with Redis").
 */
export const createLock = (store: Store, world: Pick<World, 'random'>): Lock => ({
  async hold(id, longestMs, work) {
    const [key, token] = [`lock:${id}`, randomToken(world)];
    // Redis counts from the moment it sets the key, and may tell us as late as a command may take.
    const ttlSeconds = Math.ceil((longestMs + COMMAND_TIMEOUT_MS) / 1000);
    const free = () => store.deleteIf(key, token).catch(() => undefined);
    const isHeld = await store.add(key, token, ttlSeconds).catch((error: unknown) => {
      // A store that is late may have set it all the same. The answer does not wait for this.
      void free();
      throw error;
    });
    if (!isHeld) throw beingMoved();
    try {
      return await work();
    } finally {
      // What was done stays done, though the lock may stay until it ends by itself.
      await free();
    }
  },
});

/** For changes that the work under the lock makes needless. Rethrows any other error. */
export function ignoreHeldLock(error: unknown): void {
  if (!(error instanceof LoginError && error.code === 'login_in_progress')) throw error;
}

/** Another request changes this login at the moment. */
export const beingMoved = (): LoginError =>
  new LoginError('login_in_progress', 'Another request is changing this login. Try again.', {
    retry_after: 1,
  });
