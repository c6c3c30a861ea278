import type { Store } from '../../../src/store/store.js';

/** Milliseconds without news after which whoever does not stand at the gate is taken to be busy upstream. */
const PATIENCE = 4;

/**
 * A gate before a store. While a race is on, every command of the store waits at it, and they are let through one by one
 * in the order that was drawn: what races do by chance becomes data, which can be repeated and shrunk.
 */
export function createGate() {
  const waiting: (() => void)[] = [];
  let closed = false;
  const pass = async <T>(command: () => Promise<T>): Promise<T> => {
    if (closed) await new Promise<void>((resolve) => waiting.push(resolve));
    return command();
  };

  /** Resolves when all of `unfinished` stand at the gate, or nothing more comes for a while. */
  const quiet = async (unfinished: () => number): Promise<void> => {
    let [seen, since] = [-1, Date.now()];
    while (waiting.length < unfinished() && Date.now() - since < PATIENCE) {
      if (waiting.length !== seen) [seen, since] = [waiting.length, Date.now()];
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  return {
    /** @param inner gives the store behind the gate, which may be another one tomorrow */
    before: (inner: () => Store): Store => ({
      set: (...args) => pass(() => inner().set(...args)),
      get: (key) => pass(() => inner().get(key)),
      take: (key) => pass(() => inner().take(key)),
      delete: (key) => pass(() => inner().delete(key)),
      deleteIf: (...args) => pass(() => inner().deleteIf(...args)),
      replace: (...args) => pass(() => inner().replace(...args)),
      expire: (...args) => pass(() => inner().expire(...args)),
      increment: (...args) => pass(() => inner().increment(...args)),
      spend: (...args) => pass(() => inner().spend(...args)),
      note: (...args) => pass(() => inner().note(...args)),
      ping: () => pass(() => inner().ping()),
      close: () => inner().close(),
    }),
    /** Does everything at once. @param order which of those that wait goes next, over and over */
    async race(tasks: readonly (() => Promise<void>)[], order: readonly number[]): Promise<void> {
      let unfinished = tasks.length;
      closed = true;
      try {
        const all = Promise.all(tasks.map((task) => task().finally(() => unfinished--)));
        for (let turn = 0; unfinished > 0; turn++) {
          await quiet(() => unfinished);
          const [next] = waiting.splice((order[turn % order.length] ?? 0) % (waiting.length || 1), 1);
          next?.();
        }
        await all;
      } finally {
        closed = false;
        for (const next of waiting.splice(0)) next();
      }
    },
  };
}

export type Gate = ReturnType<typeof createGate>;
