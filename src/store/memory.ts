import { LRUCache } from 'lru-cache';
import type { World } from '../core/world.js';
import type { Cost, IndexEntry, Store } from './store.js';

/** About 50 MB: values have about a kilobyte. */
const MAX_ENTRIES = 50_000;

/** The store of a single process, for trying things out. Evicts the least recently used values. */
export function createMemoryStore(world: Pick<World, 'now'>, maxEntries = MAX_ENTRIES): Store {
  // `ttlResolution` 0 reads the clock each time, so that values expire exactly.
  const options = { max: maxEntries, ttlResolution: 0, perf: { now: () => world.now() } };
  const cache = new LRUCache<string, string>(options);
  const accounts = new LRUCache<string, Map<string, number>>(options);
  const indexes = new LRUCache<string, Index>(options);

  const set = (key: string, value: string, ttlSeconds: number): boolean => {
    if (ttlSeconds <= 0) return false;
    cache.set(key, value, { ttl: ttlSeconds * 1000 });
    return true;
  };
  const take = (key: string): string | null => {
    const value = cache.get(key) ?? null;
    cache.delete(key);
    return value;
  };

  const accountOf = (key: string, ttlSeconds: number): Map<string, number> => {
    const account = accounts.get(key) ?? new Map<string, number>();
    if (account.size === 0) accounts.set(key, account, { ttl: ttlSeconds * 1000 });
    return account;
  };

  const indexAt = (key: string): Index => indexes.get(key) ?? { entries: new Map(), closedAt: undefined };

  return {
    set: (key, value, ttlSeconds) => {
      set(key, value, ttlSeconds);
      return Promise.resolve();
    },
    add: (key, value, ttlSeconds) => Promise.resolve(!cache.has(key) && set(key, value, ttlSeconds)),
    get: (key) => Promise.resolve(cache.get(key) ?? null),
    take: (key) => Promise.resolve(take(key)),
    delete: (key) => Promise.resolve(take(key) !== null),
    replace: (key, { from, to }, ttl) => Promise.resolve(cache.get(key) === from && set(key, to, ttl)),
    deleteIf: (key, value) => Promise.resolve(cache.get(key) === value && cache.delete(key)),
    expire: (key, ttlSeconds) => {
      const value = take(key);
      if (value !== null) set(key, value, ttlSeconds);
      return Promise.resolve();
    },
    increment: (key, ttlSeconds) => {
      const count = Number(cache.get(key) ?? 0) + 1;
      set(key, `${count}`, ttlSeconds);
      return Promise.resolve(count);
    },
    spend: (key, costs, ttlSeconds) => Promise.resolve(spendFrom(accountOf(key, ttlSeconds), costs)),
    note: (key, { name, value }, ttlSeconds) => {
      const account = accountOf(key, ttlSeconds).set(name, value);
      accounts.set(key, account, { ttl: ttlSeconds * 1000 });
      return Promise.resolve();
    },
    ttl: (key) => Promise.resolve(Math.round(cache.getRemainingTTL(key) / 1000)),
    register: (key, { id, value, since, oldest }, ttlSeconds) => {
      const { entries, closedAt } = indexAt(key);
      if (closedAt !== undefined && closedAt >= since) return Promise.resolve(undefined);
      const before = [...entries.values()];
      for (const [each, { value: text }] of entries) if (parseInt(text, 10) < oldest) entries.delete(each);
      entries.set(id, { id, value });
      indexes.set(key, { entries, closedAt }, { ttl: ttlSeconds * 1000 });
      return Promise.resolve(before);
    },
    closeIndex: (key, at, ttlSeconds) => {
      const { entries, closedAt = at } = indexAt(key);
      indexes.set(key, { entries, closedAt: Math.max(at, closedAt) }, { ttl: ttlSeconds * 1000 });
      return Promise.resolve([...entries.values()]);
    },
    readIndex: (key) => {
      const { entries, closedAt } = indexAt(key);
      return Promise.resolve({ entries: [...entries.values()], closedAt });
    },
    unregister: (key, ids) => {
      for (const id of ids) indexAt(key).entries.delete(id);
      return Promise.resolve();
    },
    ping: () => Promise.resolve(),
    close: () => {
      cache.clear();
      accounts.clear();
      indexes.clear();
      return Promise.resolve();
    },
  };
}

interface Index {
  entries: Map<string, IndexEntry>;
  /** Milliseconds since the epoch. */
  closedAt: number | undefined;
}

function spendFrom(
  account: Map<string, number>,
  costs: readonly Cost[],
): { spent: boolean; totals: number[] } {
  const before = costs.map(({ entry }) => account.get(entry) ?? 0);
  const spent = costs.every(({ by, limit }, at) => (before[at] ?? 0) + by <= limit);
  if (!spent) return { spent, totals: before };
  for (const { entry, by } of costs) {
    const total = account.get(entry) ?? 0;
    const added = Math.max(by, -total);
    if (added !== 0) account.set(entry, total + added);
  }
  return { spent, totals: costs.map(({ entry }) => account.get(entry) ?? 0) };
}
