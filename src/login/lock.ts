import { LoginError } from '../errors.js';
import type { Store } from '../store/store.js';

/** Seconds: longer than any call to Vonage may take, so that a lock outlives its work only when the process dies. */
const LIFE = 10;

/** Lets one request at a time change a login. */
export interface Lock {
  /** @throws LoginError `login_in_progress` at once when another request holds it */
  hold<T>(loginId: string, work: () => Promise<T>): Promise<T>;
}

export const createLock = (store: Store): Lock => ({
  async hold(loginId, work) {
    const key = `lock:${loginId}`;
    if (!(await store.set(key, '1', LIFE, 'new'))) {
      throw new LoginError('login_in_progress', 'This login is just being moved on.', { retry_after: 1 });
    }
    try {
      return await work();
    } finally {
      // What was done stays done, though the lock may stay until it ends by itself.
      await store.delete(key).catch(() => undefined);
    }
  },
});
