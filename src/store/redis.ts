import { Redis, type Result } from 'ioredis';
import { LoginError } from '../errors.js';
import type { Log } from '../world.js';
import { SPEND_SCRIPT } from './spend.js';
import type { Store } from './store.js';
import { writeTogether } from './together.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    spend(key: string, ...args: (string | number)[]): Result<number[], Context>;
    moveTo(from: string, to: string, value: string, ttlSeconds: number): Result<number, Context>;
  }
}

/** `Store.move`: KEYS are the old name and the new one, ARGV the value and its life in seconds. */
const MOVE_SCRIPT = `
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
`;

/** Milliseconds that Redis has for an answer, and after which a connection without one is given up. */
const PATIENCE = 500;
const SILENCE = 700;

/**
 * Connects to Redis so that its absence is an error within half a second, and nothing is ever sent twice: ioredis by
 * default queues commands for ever and sends unanswered ones again, and a `GETDEL` sent twice loses what it took.
 *
 * A connection on which no answer came is given up. Otherwise one that leads nowhere, as after a failover behind the same
 * address, would be kept for as long as TCP tries (a quarter of an hour), and a request that asks for several things
 * would wait for each in turn.
 */
export function connectRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    commandTimeout: PATIENCE,
    socketTimeout: SILENCE,
    connectTimeout: 1000,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: 500,
    retryStrategy: (attempt) => Math.min(attempt * 50, 500),
    // A primary that became a replica keeps its connections: the new primary is found only by connecting again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', (error: Error) => log.warn({ error: error.message }, 'redis is not reachable'));
  return writeTogether(redis);
}

/** Milliseconds a starting server waits for its first connection. */
const FIRST_CONNECTION = 2000;

/**
 * The store on the Redis at `url`, connected if that is possible soon. A server that starts while Redis is away answers
 * 503 until it is there.
 */
export async function openRedisStore(url: string, log: Log): Promise<Store> {
  const redis = connectRedis(url, log);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, FIRST_CONNECTION);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  return createRedisStore(redis);
}

const away = (cause: unknown): LoginError =>
  new LoginError(
    'unavailable',
    'The store does not answer. Try again.',
    { retry_after: 1 },
    undefined,
    cause,
  );

/** The store on Redis. Each operation is atomic and touches one key, so it works on a cluster. */
export function createRedisStore(redis: Redis): Store {
  redis.defineCommand('spend', { numberOfKeys: 1, lua: SPEND_SCRIPT });
  redis.defineCommand('moveTo', { numberOfKeys: 2, lua: MOVE_SCRIPT });
  const ask = async <T>(command: Promise<T>): Promise<T> => {
    try {
      return await command;
    } catch (error) {
      throw away(error);
    }
  };
  /** What commands that are sent together replied: Redis runs them in one step, or none of them. */
  const first = (replies: [Error | null, unknown][] | null): unknown => {
    const [error, value] = replies?.[0] ?? [new Error('the transaction was discarded'), null];
    if (error) throw away(error);
    return value;
  };
  const write = (
    key: string,
    value: string,
    ttl: number,
    only?: 'new' | 'existing',
  ): Promise<'OK' | null> => {
    if (only === 'new') return redis.set(key, value, 'EX', ttl, 'NX');
    if (only === 'existing') return redis.set(key, value, 'EX', ttl, 'XX');
    return redis.set(key, value, 'EX', ttl);
  };

  return {
    set: async (key, value, ttl, only) => ttl > 0 && (await ask(write(key, value, ttl, only))) === 'OK',
    get: (key) => ask(redis.get(key)),
    take: (key) => ask(redis.getdel(key)),
    delete: async (key) => (await ask(redis.del(key))) === 1,
    move: async (from, to, value, ttl) => ttl > 0 && (await ask(redis.moveTo(from, to, value, ttl))) === 1,
    expire: async (key, ttl) => (await ask(redis.expire(key, ttl))) === 1,
    increment: async (key, ttl) => Number(first(await ask(redis.multi().incr(key).expire(key, ttl).exec()))),
    spend: async (key, costs, ttl) => {
      const args = costs.flatMap(({ entry, by, limit }) => [entry, by, limit]);
      const [spent, ...totals] = await ask(redis.spend(key, ttl, ...args));
      return { spent: spent === 1, totals };
    },
    note: async (key, entry, value, ttl) => {
      first(await ask(redis.multi().hset(key, entry, value).expire(key, ttl).exec()));
    },
    // PING is answered by a Redis that is out of memory, or a replica, as well.
    ping: async () => {
      await ask(redis.set('ping', '1', 'EX', 1));
    },
    close: async () => {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}
