import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient, RedisSettings } from '../config/redis.js';
import { LoginError } from '../core/errors.js';
import type { Log } from '../core/world.js';
import { connectLike, connectRedis, type Connection } from './connection.js';
import { createFaultWatch } from './reachability.js';
import { defineScripts } from './scripts.js';
import { CLOSED, type IndexEntry, type Store } from './store.js';

const FIRST_CONNECTION_TIMEOUT_MS = 2000;

/**
 * Opens the store. Without Redis, or without a right in it, the server starts all the same, and
 * answers 503 meanwhile.
 */
export async function openRedisStore(where: RedisSettings | RedisClient, log: Log): Promise<Store> {
  const connection = 'duplicate' in where ? connectLike(where, log) : connectRedis(where, log);
  await Promise.race([connection.ready, pause(FIRST_CONNECTION_TIMEOUT_MS, undefined, { ref: false })]);
  const store = reporting(createRedisStore(connection), connection, log);
  if (connection.client.status === 'ready') await store.ping().catch(() => undefined);
  return store;
}

/** Checks of a store that log why they fail. A connection that is away is reported by itself. */
function reporting(store: Store, { client }: Connection, log: Log): Store {
  const messages = { began: 'redis is not ready', ended: 'redis is ready again' };
  const { failed, ended } = createFaultWatch(log, 'error', messages);
  return {
    ...store,
    async ping() {
      try {
        await store.ping();
        ended({});
      } catch (error) {
        const { name, message } = (error as LoginError).cause as Error;
        if (client.status === 'ready') failed({ cause: name, why: message });
        throw error;
      }
    },
  };
}

const TIMED_OUT = 'Command timed out';

/** For a script, Redis 7 says `ERR` where it says `NOPERM` for the command. */
const DENIED_IN_SCRIPT = /^ERR (?:ACL failure in script|The user executing the script)/;

/**
 * The error of a command. Its cause is named after the first word of what Redis answered, such as
 * `OOM`, or after why Redis did not answer.
 */
function storeAway(error: unknown): LoginError {
  const { name, message, code } = error as NodeJS.ErrnoException;
  const word = DENIED_IN_SCRIPT.test(message) ? 'NOPERM' : /^[A-Z]+\b/.exec(message)?.[0];
  const refusal = name === 'ReplyError' ? word : undefined;
  const cause = new Error(message, { cause: error });
  cause.name = refusal ?? (message === TIMED_OUT ? 'timeout' : (code ?? 'disconnected'));
  const detail =
    refusal === undefined ? 'Redis did not answer. Try again.' : `Redis refuses a command: ${refusal}.`;
  return new LoginError('unavailable', detail, { retry_after: 1, cause });
}

/** How long commands that were not sent wait for the connection to come back, once an outage. */
const RECONNECT_TIMEOUT_MS = 200;
const RECONNECT_INTERVAL_MS = 10;

/**
 * The errors of ioredis for a command that it has not sent because there was no connection. In a
 * cluster it is the last one; connectCluster gives commands that were sent another error.
 */
const NOT_SENT = /isn't (?:writeable|ready) and enableOfflineQueue|^Connection is closed\.$/;

/**
 * Repeats a command that was not sent until the connection is back. A request makes several
 * commands and is answered within a second, so they wait once an outage: after a command that
 * timed out, none waits, since Redis hangs.
 */
function createReconnection({ onReady }: Connection) {
  let goneAt: number | undefined;
  let tick: Promise<unknown> | undefined;
  onReady(() => (goneAt = undefined));
  const interval = () => (tick ??= pause(RECONNECT_INTERVAL_MS).finally(() => (tick = undefined)));
  return async function sendAgain<T>(send: () => Promise<T>, error: unknown): Promise<T> {
    const { message } = error as Error;
    if (message === TIMED_OUT) goneAt = -Infinity;
    if (!NOT_SENT.test(message)) throw error;
    goneAt ??= performance.now();
    if (performance.now() - goneAt >= RECONNECT_TIMEOUT_MS) throw error;
    await interval();
    return send().catch((next: unknown) => sendAgain(send, next));
  };
}

/** The store on Redis. Each operation is one command on one key, so it works on a cluster. */
export function createRedisStore(connection: Connection): Store {
  const { client: redis, close } = connection;
  defineScripts(redis);
  const sendAgain = createReconnection(connection);
  const ask = async <T>(send: () => Promise<T>): Promise<T> => {
    try {
      return await send().catch((error: unknown) => sendAgain(send, error));
    } catch (error) {
      throw storeAway(error);
    }
  };
  let checking: Promise<void> | undefined;
  const store: Store = {
    set: async (key, value, ttl) => {
      if (ttl > 0) await ask(() => redis.set(key, value, 'EX', ttl));
    },
    add: async (key, value, ttl) =>
      ttl > 0 && (await ask(() => redis.set(key, value, 'EX', ttl, 'NX'))) === 'OK',
    get: (key) => ask(() => redis.get(key)),
    take: (key) => ask(() => redis.getdel(key)),
    delete: async (key) => (await ask(() => redis.del(key))) === 1,
    replace: async (key, { from, to }, ttl) =>
      ttl > 0 && (await ask(() => redis.replace(key, from, to, ttl))) === 1,
    deleteIf: async (key, value) => (await ask(() => redis.deleteIf(key, value))) === 1,
    expire: async (key, ttl) => {
      await ask(() => redis.expire(key, ttl));
    },
    increment: (key, ttl) => ask(() => redis.increment(key, ttl)),
    spend: async (key, costs, ttl) => {
      const args = costs.flatMap(({ entry, by, limit }) => [entry, by, limit]);
      const [spent, ...totals] = await ask(() => redis.spend(key, ttl, ...args));
      return { spent: spent === 1, totals };
    },
    note: async (key, { name, value }, ttl) => {
      await ask(() => redis.note(key, name, value, ttl));
    },
    ttl: (key) => ask(() => redis.ttl(key)),
    register: async (index, { id, value, since, oldest }, ttl) => {
      const found = await ask(() => redis.register(index, id, value, since, oldest, ttl));
      return found === null ? undefined : entriesOf(found);
    },
    closeIndex: async (index, at, ttl) => entriesOf(await ask(() => redis.closeIndex(index, at, ttl))),
    readIndex: async (index) => {
      const found = await ask(() => redis.hgetall(index));
      const closedAt = found[CLOSED] === undefined ? undefined : Number(found[CLOSED]);
      return { entries: entriesOf(Object.entries(found).flat()), closedAt };
    },
    unregister: async (index, ids) => {
      await ask(() => redis.hdel(index, ...ids));
    },
    // Clients may ask `/readyz` as often as they like: one check answers all that wait for it.
    ping: () => (checking ??= tryAll(store).finally(() => (checking = undefined))),
    close,
  };
  return store;
}

/** The entries of a hash, whose fields and values alternate. */
const entriesOf = (hash: readonly string[]): IndexEntry[] =>
  hash.flatMap((id, at) => (at % 2 === 0 && id !== CLOSED ? [{ id, value: hash[at + 1] ?? '' }] : []));

/**
 * Tries each operation, and each prefix of keys, so that a missing right is found as well. A
 * replica, or a Redis without memory, answers `PING` but takes no writes.
 */
async function tryAll(store: Store): Promise<void> {
  const id = `ping:${randomUUID()}`;
  const [session, lock, counter, account] = [`sess:${id}`, `lock:${id}`, `limit:${id}:1`, `limit:${id}:2`];
  const index = `user:${id}`;
  await Promise.all([
    ...[store.set('ping', '1', 1), store.get(`verify:${id}`), store.add(`jti:${id}`, '1', 1)],
    ...[store.take(`state:${id}`), store.take(`code:${id}`), store.set(session, '1', 1)],
    ...[store.add(lock, '1', 1), store.increment(counter, 1)],
    store.note(account, { name: 'a', value: 1 }, 1),
    store.register(index, ENTRY, 1),
  ]);
  await Promise.all([
    ...[store.replace(session, { from: '1', to: '2' }, 1), store.expire(session, 1)],
    ...[store.deleteIf(lock, '1'), store.spend(account, [COST], 1), store.ttl(session)],
    ...[store.closeIndex(index, 1, 1), store.readIndex(index), store.unregister(index, [ENTRY.id])],
  ]);
  await Promise.all([session, `jti:${id}`, counter, account, index].map((key) => store.delete(key)));
}

const ENTRY = { id: 'a', value: '1.a', since: 1, oldest: 1 };
const COST = { entry: 'a', by: 1, limit: 2 };
