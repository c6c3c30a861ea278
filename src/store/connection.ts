import { Cluster, Redis } from 'ioredis';
import type { Log } from '../world.js';
import { connectCluster, nodesSettled } from './cluster.js';
import { optionsFor } from './options.js';
import { connectThroughSentinels } from './sentinel.js';
import type { RedisSettings } from './settings.js';
import { writeTogether } from './together.js';

/** A way to Redis, wherever it is, that is found again by itself when it was lost. */
export interface Connection {
  client: Redis | Cluster;
  /** Resolves when Redis is there for the first time. */
  ready: Promise<void>;
  close: () => Promise<void>;
}

/** Connects to a Redis, to the primary that sentinels name, or to a cluster, with the same guarantees (`options.ts`). */
export function connectRedis(settings: RedisSettings, log: Log): Connection {
  const failed = (error: Error & { lastNodeError?: Error | null }) =>
    log.warn({ error: (error.lastNodeError ?? error).message }, 'redis is not reachable');
  const { client, stopWatching } = clientFor(settings, failed);
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
      return connectThroughSentinels(place, options, optionsFor(settings, sentinelAccess), failed);
    case 'cluster':
      return { client: connectCluster(place, options) };
    case 'single':
      return { client: new Redis({ ...options, ...place.nodes[0], db: place.db }) };
  }
}
