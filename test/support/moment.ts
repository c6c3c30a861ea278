import type { Store } from '../../src/store/store.js';

type Operation = Exclude<keyof Store, 'ping' | 'close'>;

/** A point within a request at which a test runs other work. */
export interface Moment {
  /** Wraps the store of a server. */
  through: (store: Store) => Store;
  /**
   * Runs `work` once, before the next such command on a key with this prefix, which waits for it.
   * @param work receives the key
   */
  before(operation: Operation, prefix: string, work: (key: string) => unknown): void;
}

/**
 * Stops a request at a command of the store, so that a test decides what happens between two
 * commands without sleeping.
 */
export function createMoment(): Moment {
  let next: { operation: Operation; prefix: string; work: (key: string) => unknown } | undefined;
  const comes = async (operation: Operation, key: string): Promise<void> => {
    if (next?.operation !== operation || !key.startsWith(next.prefix)) return;
    const { work } = next;
    next = undefined;
    await work(key);
  };
  return {
    before: (operation, prefix, work) => (next = { operation, prefix, work }),
    through: (store) =>
      new Proxy(store, {
        get: (target, operation: Operation) => {
          const command = (target[operation] as (...args: unknown[]) => Promise<unknown>).bind(target);
          return async (...args: unknown[]) => {
            if (args.length > 0) await comes(operation, String(args[0]));
            return command(...args);
          };
        },
      }),
  };
}
