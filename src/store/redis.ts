import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient, RedisSettings } from '../config/redis.js';
import { LoginError } from '../core/errors.js';
import type { Log } from '../core/world.js';
import { connectLike, connectRedis, type Connection } from './connection.js';
import { defineScripts } from './scripts.js';
import type { Store } from './store.js';

const FIRST_CONNECTION_TIMEOUT_MS = 2000;

/** Opens the store. Without Redis the server starts all the same, and answers 503 meanwhile. */
export async function openRedisStore(where: RedisSettings | RedisClient, log: Log): Promise<Store> {
  const connection = 'duplicate' in where ? connectLike(where, log) : connectRedis(where, log);
  await Promise.race([connection.ready, pause(FIRST_CONNECTION_TIMEOUT_MS, undefined, { ref: false })]);
  return createRedisStore(connection);
}

const storeAway = (cause: unknown): LoginError =>
  new LoginError('unavailable', 'Redis did not answer. Try again.', { retry_after: 1, cause });

/** The store on Redis. Each operation is one command on one key, so it works on a cluster. */
export function createRedisStore({ client: redis, close }: Connection): Store {
  defineScripts(redis);
  const ask = async <T>(command: Promise<T>): Promise<T> => {
    try {
      return await command;
    } catch (error) {
      throw storeAway(error);
    }
  };
  return {
    set: async (key, value, ttl) => {
      if (ttl > 0) await ask(redis.set(key, value, 'EX', ttl));
    },
    add: async (key, value, ttl) => ttl > 0 && (await ask(redis.set(key, value, 'EX', ttl, 'NX'))) === 'OK',
    get: (key) => ask(redis.get(key)),
    take: (key) => ask(redis.getdel(key)),
    delete: async (key) => (await ask(redis.del(key))) === 1,
    replace: async (key, { from, to }, ttl) =>
      ttl > 0 && (await ask(redis.replace(key, from, to, ttl))) === 1,
    deleteIf: async (key, value) => (await ask(redis.deleteIf(key, value))) === 1,
    expire: async (key, ttl) => {
      await ask(redis.expire(key, ttl));
    },
    increment: (key, ttl) => ask(redis.increment(key, ttl)),
    spend: async (key, costs, ttl) => {
      const args = costs.flatMap(({ entry, by, limit }) => [entry, by, limit]);
      const [spent, ...totals] = await ask(redis.spend(key, ttl, ...args));
      return { spent: spent === 1, totals };
    },
    note: async (key, { name, value }, ttl) => {
      await ask(redis.note(key, name, value, ttl));
    },
    // A replica, or a Redis without memory, answers PING but takes no writes.
    ping: async () => {
      await ask(redis.set('ping', '1', 'EX', 1));
    },
    close,
  };
}
