/** A place for short-lived text under a key. Two implementations, one contract; every value has an end. */
export interface Store {
  /**
   * Keeps `value` for `ttlSeconds`. With `only`, nothing is written unless the key is `new`, or already `existing`.
   * @returns whether it was written
   */
  set(key: string, value: string, ttlSeconds: number, only?: 'new' | 'existing'): Promise<boolean>;
  get(key: string): Promise<string | null>;
  /** Reads and removes in one step: of any number of callers exactly one gets the value. */
  take(key: string): Promise<string | null>;
  /** @returns whether there was something to remove */
  delete(key: string): Promise<boolean>;
  /** Gives a key that still exists a new life in seconds; brings nothing back. */
  expire(key: string, ttlSeconds: number): Promise<boolean>;
  /** Counts up from 1; the count ends `ttlSeconds` after its last step. */
  increment(key: string, ttlSeconds: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
