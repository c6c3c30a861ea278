/** What is to be added to one entry of an account, and how much it may hold then. */
export interface Cost {
  entry: string;
  /** Less than zero gives back, at most what the entry holds: none is ever less than zero. */
  by: number;
  limit: number;
}

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
  /** Removes a key in one step if it holds this value. @returns whether it did */
  deleteIf(key: string, value: string): Promise<boolean>;
  /**
   * Compare and set: keeps `value` for `ttlSeconds` in place of `expected`, in one step.
   * @returns false where the key holds anything else, or nothing; then nothing is written
   */
  replace(key: string, expected: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Gives a key that still exists a new life in seconds, of which 0 or less is its end; brings nothing back. */
  expire(key: string, ttlSeconds: number): Promise<void>;
  /** Counts up from 1; the count ends `ttlSeconds` after its last step. */
  increment(key: string, ttlSeconds: number): Promise<number>;
  /**
   * Adds to entries of an account, unless one of them would then hold more than its limit: in that case to none. The account
   * ends `ttlSeconds` after its first entry.
   * @returns whether it was added, and what each entry holds now, in the order of `costs`
   */
  spend(
    account: string,
    costs: readonly Cost[],
    ttlSeconds: number,
  ): Promise<{ spent: boolean; totals: readonly number[] }>;
  /** Sets an entry of an account, which ends `ttlSeconds` from now. */
  note(account: string, entry: string, value: number, ttlSeconds: number): Promise<void>;
  /** Resolves when the store answers, and takes what it is given. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
