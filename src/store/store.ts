import { LoginError } from '../core/errors.js';
import { randomToken, type World } from '../core/world.js';
import { COMMAND_TIMEOUT_MS } from './options.js';

/** An amount to add to an entry of an account (a key with named counters), and its maximum. */
export interface Cost {
  entry: string;
  /** If negative, at most what the entry holds is given back. */
  by: number;
  limit: number;
}

/** The entry of an index that says until when it was closed. No other entry has this id. */
export const CLOSED = 'closed';

/** An entry of an index: a text under an id, which begins with a time in milliseconds. */
export interface IndexEntry {
  id: string;
  /** `<ms>.<text>` */
  value: string;
}

/** Stores text. Every value expires. Each operation is atomic. */
export interface Store {
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Sets a key that does not exist. @returns whether it was set */
  add(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  get(key: string): Promise<string | null>;
  /** Reads and removes a key: only one caller gets the value. */
  take(key: string): Promise<string | null>;
  /** @returns whether the key existed */
  delete(key: string): Promise<boolean>;
  /** Removes a key if it holds this value. @returns whether it was removed */
  deleteIf(key: string, value: string): Promise<boolean>;
  /** Replaces the value `from` by `to`. @returns false if the key does not hold `from` */
  replace(key: string, change: { from: string; to: string }, ttlSeconds: number): Promise<boolean>;
  /** Sets when an existing key expires; 0 seconds or less removes it. */
  expire(key: string, ttlSeconds: number): Promise<void>;
  /** Counts up from 1. The count expires `ttlSeconds` after the last call. */
  increment(key: string, ttlSeconds: number): Promise<number>;
  /**
   * Adds all costs, or none if an entry would exceed its limit. The account expires `ttlSeconds`
   * after its first entry.
   * @returns whether the costs were added, and what each entry holds now, in the order of `costs`
   */
  spend(
    account: string,
    costs: readonly Cost[],
    ttlSeconds: number,
  ): Promise<{ spent: boolean; totals: readonly number[] }>;
  /** Sets an entry of an account, which then expires in `ttlSeconds`. */
  note(account: string, entry: { name: string; value: number }, ttlSeconds: number): Promise<void>;
  /** @returns seconds until the key expires; 0 or less if it does not exist */
  ttl(key: string): Promise<number>;
  /**
   * Adds an entry to an index, which then expires in `ttlSeconds`, and removes entries whose time
   * is before `oldest`.
   * @param entry `since`: when the login that it belongs to began (ms since the epoch)
   * @returns the entries before; undefined, and nothing is added, if the index was closed at
   * `since` or later
   */
  register(
    index: string,
    entry: IndexEntry & { since: number; oldest: number },
    ttlSeconds: number,
  ): Promise<readonly IndexEntry[] | undefined>;
  /**
   * Closes an index to entries that began until `at` (ms since the epoch), for `ttlSeconds`.
   * @returns all entries, which stay
   */
  closeIndex(index: string, at: number, ttlSeconds: number): Promise<readonly IndexEntry[]>;
  /** @returns the entries, and until when the index is closed (ms since the epoch) */
  readIndex(index: string): Promise<{ entries: readonly IndexEntry[]; closedAt: number | undefined }>;
  /** Removes entries of an index by their ids, of which there is at least one. */
  unregister(index: string, ids: readonly string[]): Promise<void>;
  /** Resolves if the store answers and accepts writes. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export type Lock = ReturnType<typeof createLock>;

/**
 * A lock is a key with a random token. A holder deletes only its own token, so that one that is
 * late does not free the next holder's lock (Redis documentation, "Distributed Locks with Redis").
 */
export const createLock = (store: Store, world: Pick<World, 'random'>) => ({
  /**
   * Runs `work` while holding the lock of `id`.
   * @param longestMs the longest duration of `work`: the lock expires only if the process dies
   * @throws LoginError `login_in_progress` at once if another request holds the lock
   */
  async hold<T>(id: string, longestMs: number, work: () => Promise<T>): Promise<T> {
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
