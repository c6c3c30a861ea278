import type { Store } from '../../../src/store/store.js';

/** Milliseconds without news after which a request that does not stand at the gate is taken to wait for something else. */
const QUIET_MS = 100;

/**
 * A gate before the store and before Vonage. While a race is on, every command of the store and every call of Vonage waits at
 * it, and they are let through one by one in the order that was drawn: what races do by chance becomes data, which can be
 * repeated and shrunk.
 */
export function createGate() {
  const waiting: (() => void)[] = [];
  let closed = false;
  const pass = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) await new Promise<void>((resolve) => waiting.push(resolve));
    return work();
  };

  /** Resolves when all of `unfinished` stand at the gate, or nothing more comes for a while. */
  const quiet = async (unfinished: () => number): Promise<void> => {
    let [seen, since] = [-1, Date.now()];
    while (waiting.length < unfinished() && Date.now() - since < QUIET_MS) {
      if (waiting.length !== seen) [seen, since] = [waiting.length, Date.now()];
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  return {
    /** Does `work`; while a race is on, when its turn comes. */
    pass,
    /** @param inner gives the store behind the gate, which may be another one tomorrow */
    before: (inner: () => Store): Store => ({
      set: (...args) => pass(() => inner().set(...args)),
      add: (...args) => pass(() => inner().add(...args)),
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
    /**
     * Starts a task and lets so many of its commands pass; the next one waits while whatever else is done passes.
     * @returns whether the task was over before, and how it goes on to its end
     */
    async pauseAfter<T>(commands: number, task: () => Promise<T>) {
      let unfinished = 1;
      closed = true;
      const answer = task().finally(() => unfinished--);
      for (let passed = 0; passed <= commands; passed++) {
        await quiet(() => unfinished);
        if (unfinished === 0 || passed === commands) break;
        waiting.shift()?.();
      }
      closed = false;
      const isOver = unfinished === 0;
      const goOn = (): Promise<T> => {
        for (const next of waiting.splice(0)) next();
        return answer;
      };
      if (isOver) void goOn();
      return { isOver, goOn };
    },
    /** Does everything at once. @param order which of those that wait goes next, over and over */
    async race(tasks: readonly (() => Promise<void>)[], order: readonly number[]): Promise<void> {
      let unfinished = 0;
      closed = true;
      try {
        const started: Promise<void>[] = [];
        for (const task of tasks) {
          unfinished++;
          started.push(task().finally(() => unfinished--));
          // They come to the gate one after the other: which of them is the first to wait there is no matter of chance.
          await quiet(() => unfinished);
        }
        const all = Promise.all(started);
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
