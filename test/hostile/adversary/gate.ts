import type { Store } from '../../../src/store/store.js';

/** After this time without a new command, a request is assumed to wait for something else. */
const IDLE_MS = 100;

/**
 * A gate before the store and before Vonage. During a race, each command and each call waits at the
 * gate, and they pass one by one in a given order, so that a race can be repeated and shrunk.
 */
export function createGate() {
  const waiting: (() => void)[] = [];
  let closed = false;
  const pass = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) await new Promise<void>((resolve) => waiting.push(resolve));
    return work();
  };

  /** Resolves when all unfinished tasks wait at the gate, or no command has come for a while. */
  const settled = async (unfinished: () => number): Promise<void> => {
    let [seen, since] = [-1, Date.now()];
    while (waiting.length < unfinished() && Date.now() - since < IDLE_MS) {
      if (waiting.length !== seen) [seen, since] = [waiting.length, Date.now()];
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  return {
    /** Runs `work`, during a race when its turn comes. */
    pass,
    /** @param inner returns the current store behind the gate */
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
      ttl: (key) => pass(() => inner().ttl(key)),
      register: (...args) => pass(() => inner().register(...args)),
      closeIndex: (...args) => pass(() => inner().closeIndex(...args)),
      readIndex: (index) => pass(() => inner().readIndex(index)),
      unregister: (...args) => pass(() => inner().unregister(...args)),
      ping: () => pass(() => inner().ping()),
      close: () => inner().close(),
    }),
    /**
     * Starts a task and holds it after some of its commands; the commands of other tasks pass.
     * @returns whether the task ended before, and a function that continues it
     */
    async pauseAfter<T>(commands: number, task: () => Promise<T>) {
      let unfinished = 1;
      closed = true;
      const answer = task().finally(() => unfinished--);
      for (let passed = 0; passed <= commands; passed++) {
        await settled(() => unfinished);
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
    /**
     * Runs tasks concurrently.
     * @param order which waiting command passes next, repeated cyclically
     * @returns the places of the commands that passed among those that waited
     */
    async race(
      tasks: readonly (() => Promise<void>)[],
      order: readonly number[],
    ): Promise<readonly number[]> {
      let unfinished = 0;
      closed = true;
      const passed: number[] = [];
      try {
        const started: Promise<void>[] = [];
        for (const task of tasks) {
          unfinished++;
          started.push(task().finally(() => unfinished--));
          // Tasks start one after the other, so that their order at the gate is reproducible.
          await settled(() => unfinished);
        }
        const all = Promise.all(started);
        for (let turn = 0; unfinished > 0; turn++) {
          await settled(() => unfinished);
          const place = (order[turn % order.length] ?? 0) % (waiting.length || 1);
          const [next] = waiting.splice(place, 1);
          if (next !== undefined) passed.push(place);
          next?.();
        }
        await all;
        return passed;
      } finally {
        closed = false;
        for (const next of waiting.splice(0)) next();
      }
    },
  };
}

export type Gate = ReturnType<typeof createGate>;
