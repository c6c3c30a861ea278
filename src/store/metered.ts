import type { Meter } from '../telemetry.js';
import type { Store } from './store.js';

/** The store, with each of its answers told to whoever counts. */
export function meteredStore(store: Store, meter: Meter): Store {
  const timed = async <T>(operation: keyof Store, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    let failed = true;
    try {
      const result = await work();
      failed = false;
      return result;
    } finally {
      meter.stored(operation, failed, performance.now() - startedAt);
    }
  };
  return {
    set: (...args) => timed('set', () => store.set(...args)),
    get: (...args) => timed('get', () => store.get(...args)),
    take: (...args) => timed('take', () => store.take(...args)),
    replace: (...args) => timed('replace', () => store.replace(...args)),
    delete: (...args) => timed('delete', () => store.delete(...args)),
    deleteIf: (...args) => timed('deleteIf', () => store.deleteIf(...args)),
    expire: (...args) => timed('expire', () => store.expire(...args)),
    increment: (...args) => timed('increment', () => store.increment(...args)),
    spend: (...args) => timed('spend', () => store.spend(...args)),
    note: (...args) => timed('note', () => store.note(...args)),
    ping: () => timed('ping', () => store.ping()),
    close: () => store.close(),
  };
}
