import { randomUUID } from 'node:crypto';
import type { Store } from '../../store/store.js';
import { wordsOf } from '../phone/words.js';
import { about, type Finding } from './finding.js';
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisSettings } from '../../config/redis.js';
import { connectRedis, type Connection } from '../../store/connection.js';
import { createRedisStore } from '../../store/redis.js';
import type { Log } from '../../core/world.js';
import type { Check, Patient } from './patient.js';

/** Seconds that what is written here lives. */
const LIFE = 2;

/** What the server does with Redis, each at a key that nobody else has. */
const DEEDS: Record<string, (store: Store, id: string) => Promise<unknown>> = {
  'keep, read and take a ticket': async (store, id) => {
    for (const kind of ['state', 'code']) {
      await store.set(`${kind}:${id}`, '1', LIFE);
      await store.take(`${kind}:${id}`);
    }
  },
  'keep, renew and end a session': async (store, id) => {
    await store.add(`sess:${id}`, '1', LIFE);
    await store.get(`sess:${id}`);
    await store.expire(`sess:${id}`, LIFE);
    await store.replace(`sess:${id}`, { from: '1', to: '2' }, LIFE);
    await store.delete(`sess:${id}`);
  },
  count: async (store, id) => {
    await store.increment(`limit:code:${id}`, LIFE);
    await store.spend(`limit:doctor:${id}`, [{ entry: 'a', by: 1, limit: 1 }], LIFE);
    await store.note(`limit:doctor:${id}`, { name: 'b', value: 1 }, LIFE);
  },
  'hear a webhook': async (store, id) => {
    for (const kind of ['jti', 'verify', 'lock']) await store.set(`${kind}:${id}`, '1', LIFE);
  },
  'say that it is ready': (store) => store.ping(),
};

/** Does each thing once that the server does. What it writes is gone after two seconds. */
async function tryRights(store: Store): Promise<Finding> {
  const { ok, mistake } = about('rights in Redis');
  for (const [deed, work] of Object.entries(DEEDS)) {
    try {
      await work(store, `doctor-${randomUUID()}`);
    } catch (error) {
      // What Redis said stands in what the store makes of it.
      const { cause = error } = error as { cause?: unknown };
      return mistake(
        `The server could not ${deed}: ${wordsOf(cause)}`,
        'Give its user the rights that docs/redis.md lists, and see that Redis is a primary with memory left.',
      );
    }
  }
  return ok('All that the server does may be done.');
}

/** Milliseconds for the first connection. */
const PATIENCE_MS = 2_000;

/** How Redis is set up, as far as a server sees it: all of it is told by `INFO`, to which the server has a right. */
export const checkRedis: Check = async (patient) => {
  const { mistake, unchecked } = about('Redis');
  const config = patient.settings?.config;
  if (config === undefined) return [unchecked('There are no settings here that could be used.')];
  const { redis } = config;
  if (redis === undefined)
    return [
      mistake('REDIS_URL is not set: sessions are lost with each restart.', 'Set REDIS_URL (docs/redis.md).'),
    ];
  const heard: string[] = [];
  const connection = connectRedis(redis, logInto(heard));
  try {
    const isReady = connection.ready.then(() => true);
    if (!(await Promise.race([isReady, pause(PATIENCE_MS, false, { ref: false })])))
      return [await unreachable(patient, heard.at(-1) ?? 'no answer')];
    const infos = (await infosOf(connection)).map(fieldsOf);
    return [...infos.flatMap((info) => judge(info, redis)), await tryRights(createRedisStore(connection))];
  } catch (error) {
    return [mistake(`It answers with an error: ${wordsOf(error)}.`, 'See docs/redis.md, Rights.')];
  } finally {
    await connection.close();
  }
};

/** The last warning says why Redis cannot be reached. */
function logInto(heard: string[]): Log {
  const ignore = (): void => undefined;
  const warn = (fields: object): void => {
    if ('error' in fields) heard.push(String(fields.error));
  };
  return { debug: ignore, info: ignore, warn, error: ignore };
}

async function unreachable({ ask }: Patient, why: string): Promise<Finding> {
  const { mistake, unchecked } = about('Redis');
  const { status } = await ask('/readyz').catch(() => ({ status: 0 }));
  const isReached = /^(?:WRONGPASS|NOAUTH|NOPERM)/.test(why);
  return status === 200 && !isReached
    ? unchecked(
        `The server reaches it, and this machine does not (${why}): run the doctor where the server is.`,
      )
    : mistake(
        `REDIS_URL cannot be reached: ${why}.`,
        'See that Redis runs, and that host, port, password and TLS in REDIS_URL are its own (docs/redis.md).',
      );
}

/** Of each that takes writes. */
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

const judge = (info: Info, { place }: RedisSettings): Finding[] => [
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

/** `db0:keys=5,expires=5,avg_ttl=…`: every key of this server has an end, so one without is somebody else's. */
function lifeFinding(info: Info, db: number): Finding {
  const { ok, mistake } = about('life of keys');
  const [, keys = '0', expires = '0'] = /keys=(\d+),expires=(\d+)/.exec(info.get(`db${db}`) ?? '') ?? [];
  const endless = Number(keys) - Number(expires);
  return endless === 0
    ? ok(`All of ${keys} have an end.`)
    : mistake(
        `${endless} of ${keys} have no end: they are not of this server, or somebody has changed them.`,
        'Give this server a Redis of its own, or a database that nobody else writes to, and remove what has no end.',
      );
}

export function persistenceFinding(info: Info): Finding {
  const { ok, warning } = about('persistence');
  // Before Redis 7.0 there is no rdb_saves, but how long the last one took: -1 where there was none.
  const saves = info.get('rdb_saves') ?? ((info.get('rdb_last_bgsave_time_sec') ?? '-1') === '-1' ? 0 : 1);
  const isKept = info.get('aof_enabled') === '1' || Number(saves) > 0;
  return isKept
    ? warning(
        'It writes to disk, and a file that is loaded again brings back what was taken since.',
        'Set save "" and appendonly no: nothing has to outlive Redis.',
      )
    : ok('It has written nothing to disk.');
}
