import { randomUUID } from 'node:crypto';
import type { Store } from '../../store/store.js';
import { messageOf } from '../command.js';
import { isMounted } from '../http.js';
import { about, type Finding } from './finding.js';
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisSettings } from '../../config/redis.js';
import { connectRedis, type Connection } from '../../store/connection.js';
import { createRedisStore } from '../../store/redis.js';
import type { Log } from '../../core/world.js';
import type { Check, Deployment } from './deployment.js';

const TTL_SECONDS = 2;

/** The operations of the server on Redis, each with a key of its own. */
const OPERATIONS: Record<string, (store: Store, id: string) => Promise<unknown>> = {
  'keep, read and take a ticket': async (store, id) => {
    for (const kind of ['state', 'code']) {
      await store.set(`${kind}:${id}`, '1', TTL_SECONDS);
      await store.take(`${kind}:${id}`);
    }
  },
  'keep, renew and end a session': async (store, id) => {
    await store.add(`sess:${id}`, '1', TTL_SECONDS);
    await store.get(`sess:${id}`);
    await store.expire(`sess:${id}`, TTL_SECONDS);
    await store.replace(`sess:${id}`, { from: '1', to: '2' }, TTL_SECONDS);
    await store.delete(`sess:${id}`);
  },
  count: async (store, id) => {
    await store.increment(`limit:code:${id}`, TTL_SECONDS);
    await store.spend(`limit:doctor:${id}`, [{ entry: 'a', by: 1, limit: 1 }], TTL_SECONDS);
    await store.note(`limit:doctor:${id}`, { name: 'b', value: 1 }, TTL_SECONDS);
  },
  'receive a webhook': async (store, id) => {
    for (const kind of ['jti', 'verify', 'lock']) await store.set(`${kind}:${id}`, '1', TTL_SECONDS);
  },
  'say that it is ready': (store) => store.ping(),
};

/** Does each operation of the server once. Its keys expire after two seconds. */
async function tryRights(store: Store): Promise<Finding> {
  const { ok, mistake } = about('rights in Redis');
  for (const [name, operate] of Object.entries(OPERATIONS)) {
    try {
      await operate(store, `doctor-${randomUUID()}`);
    } catch (error) {
      // The store wraps the error of Redis.
      const { cause = error } = error as { cause?: unknown };
      return mistake(
        `The server could not ${name}: ${messageOf(cause)}`,
        'Give its user the rights that docs/redis.md lists, and make sure that Redis is a primary with free memory.',
      );
    }
  }
  return ok('All operations of the server are allowed.');
}

const CONNECT_TIMEOUT_MS = 2_000;

/** How Redis is set up, by `INFO`, which the server has the right to call. */
export const checkRedis: Check = async (deployment) => {
  const { mistake, unchecked } = about('Redis');
  const config = deployment.settings?.config;
  if (config === undefined) return [unchecked('There are no settings here that could be used.')];
  const { redis } = config;
  if (redis === undefined)
    return [
      isMounted(deployment.base)
        ? unchecked('REDIS_URL is not set: the app has to give the routes its own client of Redis.')
        : mistake(
            'REDIS_URL is not set: sessions are lost with each restart.',
            'Set REDIS_URL (docs/redis.md).',
          ),
    ];
  const errors: string[] = [];
  const connection = connectRedis(redis, logInto(errors));
  try {
    const isReady = connection.ready.then(() => true);
    if (!(await Promise.race([isReady, pause(CONNECT_TIMEOUT_MS, false, { ref: false })])))
      return [await unreachable(deployment, errors.at(-1) ?? 'no answer')];
    const infos = (await infosOf(connection)).map(fieldsOf);
    return [
      ...infos.flatMap((info) => infoFindings(info, redis)),
      await tryRights(createRedisStore(connection)),
    ];
  } catch (error) {
    return [mistake(`It answers with an error: ${messageOf(error)}.`, 'See docs/redis.md, Rights.')];
  } finally {
    await connection.close();
  }
};

/** Collects the errors of warnings. The last one says why Redis cannot be reached. */
function logInto(errors: string[]): Log {
  const ignore = (): void => undefined;
  const warn = (fields: object): void => {
    if ('error' in fields) errors.push(String(fields.error));
  };
  return { debug: ignore, info: ignore, warn, error: ignore };
}

async function unreachable({ request }: Deployment, why: string): Promise<Finding> {
  const { mistake, unchecked } = about('Redis');
  const { status } = await request('/readyz').catch(() => ({ status: 0 }));
  const isReached = /^(?:WRONGPASS|NOAUTH|NOPERM)/.test(why);
  return status === 200 && !isReached
    ? unchecked(
        `The server reaches it, and this machine does not (${why}): run the doctor where the server is.`,
      )
    : mistake(
        `REDIS_URL cannot be reached: ${why}.`,
        'Make sure that Redis runs, and that host, port, password and TLS in REDIS_URL are its own (docs/redis.md).',
      );
}

/** The `INFO` of each primary. */
async function infosOf({ client }: Connection): Promise<string[]> {
  return 'nodes' in client
    ? Promise.all(client.nodes('master').map((node) => node.info()))
    : [await client.info()];
}

type Info = ReadonlyMap<string, string>;

/** `INFO`: lines of `name:value`. */
const fieldsOf = (text: string): Info =>
  new Map(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );

const infoFindings = (info: Info, { place }: RedisSettings): Finding[] => [
  versionFinding(info),
  evictionFinding(info),
  lifeFinding(info, place.kind === 'cluster' ? 0 : place.db),
  persistenceFinding(info),
];

function versionFinding(info: Info): Finding {
  const { ok, mistake } = about('version of Redis');
  const version = info.get('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 2)
    ? ok(`It is ${version}.`)
    : mistake(`It is ${version}, which has no GETDEL.`, 'Use Redis 6.2 or later.');
}

function evictionFinding(info: Info): Finding {
  const { ok, mistake } = about('eviction');
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy === 'noeviction') return ok('maxmemory-policy is noeviction.');
  const evicted = Number(info.get('evicted_keys') ?? 0);
  return mistake(
    `maxmemory-policy is ${policy}: sessions vanish and limits are forgotten when memory runs short${evicted > 0 ? `, as ${evicted} keys did already` : ''}.`,
    'Set maxmemory-policy noeviction in the configuration of Redis, and give it the memory it needs.',
  );
}

/**
 * `db0:keys=5,expires=5,avg_ttl=…`: every key of this server expires, so one that does not is not
 * its own.
 */
function lifeFinding(info: Info, db: number): Finding {
  const { ok, mistake } = about('life of keys');
  const [, keys = '0', expires = '0'] = /keys=(\d+),expires=(\d+)/.exec(info.get(`db${db}`) ?? '') ?? [];
  const endless = Number(keys) - Number(expires);
  return endless === 0
    ? ok(`All of ${keys} expire.`)
    : mistake(
        `${endless} of ${keys} have no end: they are not of this server, or they were changed.`,
        'Give this server a Redis or a database of its own, and remove the keys that do not expire.',
      );
}

export function persistenceFinding(info: Info): Finding {
  const { ok, warning } = about('persistence');
  // Before Redis 7.0 there is no rdb_saves, but how long the last one took: -1 where there was
  // none.
  const saves = info.get('rdb_saves') ?? ((info.get('rdb_last_bgsave_time_sec') ?? '-1') === '-1' ? 0 : 1);
  const isKept = info.get('aof_enabled') === '1' || Number(saves) > 0;
  return isKept
    ? warning(
        'It writes to disk, and loading that file would restore tickets that were used since.',
        'Set save "" and appendonly no: no data has to survive a restart of Redis.',
      )
    : ok('It has written nothing to disk.');
}
