import type { Store } from '../../src/store/store.js';

type Operation = Exclude<keyof Store, 'ping' | 'close'>;

/** A moment in the middle of a request, at which a test does something else. */
export interface Moment {
  /** Goes between a server and its store. */
  through: (store: Store) => Store;
  /**
   * Does `work` once, before the next such command about a key that begins so, which waits for it.
   * @param work is given the key
   */
  before(operation: Operation, prefix: string, work: (key: string) => unknown): void;
}

/**
 * Makes the commands of the store the moments of a request, so that a test decides what happens
 * between two of them, and sleeps on nothing.
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
