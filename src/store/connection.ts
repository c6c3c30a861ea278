import { Cluster, Redis } from 'ioredis';
import type { Log } from '../core/world.js';
import { connectCluster, nodesSettled } from './cluster.js';
import { OPTIONS, optionsFor } from './options.js';
import { connectThroughSentinels } from './sentinel.js';
import type { RedisClient, RedisSettings } from '../config/redis.js';
import { writeTogether } from './options.js';

/** A way to Redis, wherever it is, that is found again by itself when it was lost. */
export interface Connection {
  client: Redis | Cluster;
  /** Resolves when Redis is there for the first time. */
  ready: Promise<void>;
  close: () => Promise<void>;
}

/** Connects to a Redis, to the primary that sentinels name, or to a cluster, with the same guarantees (`options.ts`). */
export function connectRedis(settings: RedisSettings, log: Log): Connection {
  const failed = failureOn(log);
  const { client, stopWatching } = clientFor(settings, failed);
  return watched(client, failed, stopWatching);
}

/** What our keys begin with in the Redis of another app. */
const KEY_PREFIX = 'silent-auth:';

/** Connects to where a client of another app is connected, which is left as it is. */
export const connectLike = (other: RedisClient, log: Log): Connection =>
  watched(
    other.duplicate({ ...OPTIONS, lazyConnect: false, keyPrefix: KEY_PREFIX }) as Redis,
    failureOn(log),
  );

type Failed = (error: Error & { lastNodeError?: Error | null }) => void;

const failureOn =
  (log: Log): Failed =>
  (error) =>
    log.warn({ error: (error.lastNodeError ?? error).message }, 'redis is not reachable');

function watched(client: Redis | Cluster, failed: Failed, stopWatching?: () => void): Connection {
  if (client instanceof Redis) writeTogether(client);
  for (const event of ['error', 'node error', 'sentinelError']) client.on(event, failed);
  const ready = new Promise<void>((resolve) => client.once('ready', () => resolve()));
  return {
    client,
    ready: client instanceof Cluster ? ready.then(() => nodesSettled(client)) : ready,
    async close() {
      stopWatching?.();
      await client.quit().catch(() => undefined);
      client.disconnect();
    },
  };
}

function clientFor(
  settings: RedisSettings,
  failed: (error: Error) => void,
): { client: Redis | Cluster; stopWatching?: () => void } {
  const { place, sentinelAccess } = settings;
  const options = optionsFor(settings, place);
  switch (place.kind) {
    case 'sentinel':
      return connectThroughSentinels(
        place,
        { toRedis: options, toSentinels: optionsFor(settings, sentinelAccess) },
        failed,
      );
    case 'cluster':
      return { client: connectCluster(place, options) };
    case 'single':
      return { client: new Redis({ ...options, ...place.nodes[0], db: place.db }) };
  }
}
