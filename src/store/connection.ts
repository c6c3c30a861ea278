import { Cluster, Redis } from 'ioredis';
import type { RedisClient, RedisSettings } from '../config/redis.js';
import type { Log } from '../core/world.js';
import { connectCluster, primariesSettled } from './cluster.js';
import { OPTIONS, optionsFor, writeOncePerTurn } from './options.js';
import { connectThroughSentinels } from './sentinel.js';

export interface Connection {
  client: Redis | Cluster;
  /** Resolves at the first connection. */
  ready: Promise<void>;
  close: () => Promise<void>;
}

export function connectRedis(settings: RedisSettings, log: Log): Connection {
  const failed = failureOn(log);
  const { client, stopWatching } = clientFor(settings, failed);
  return connectionOf(client, failed, stopWatching);
}

/** The prefix of our keys in the Redis of a host app. */
const KEY_PREFIX = 'silent-auth:';

/** Connects to the Redis of a host app's client, by a connection of our own. */
export const connectLike = (other: RedisClient, log: Log): Connection =>
  connectionOf(
    other.duplicate({ ...OPTIONS, lazyConnect: false, keyPrefix: KEY_PREFIX }) as Redis,
    failureOn(log),
  );

type Failed = (error: Error & { lastNodeError?: Error | null }) => void;

const failureOn =
  (log: Log): Failed =>
  (error) =>
    log.warn({ error: (error.lastNodeError ?? error).message }, 'redis is not reachable');

function connectionOf(client: Redis | Cluster, failed: Failed, stopWatching?: () => void): Connection {
  if (client instanceof Redis) writeOncePerTurn(client);
  for (const event of ['error', 'node error', 'sentinelError']) client.on(event, failed);
  const ready = new Promise<void>((resolve) => client.once('ready', () => resolve()));
  return {
    client,
    ready: client instanceof Cluster ? ready.then(() => primariesSettled(client)) : ready,
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
