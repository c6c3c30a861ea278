import { Redis, type Cluster } from 'ioredis';
import type { RedisClient, RedisSettings } from '../config/redis.js';
import type { Log } from '../core/world.js';
import { connectCluster, primariesSettled } from './cluster.js';
import { ignoreLaterErrors, OPTIONS, optionsFor, writeOncePerTurn } from './options.js';
import { createReachability, type HostWatch, type Reachability } from './reachability.js';
import { connectThroughSentinels } from './sentinel.js';

export type Connection = ReturnType<typeof connectionOf>;

export function connectRedis(settings: RedisSettings, log: Log): Connection {
  const reachability = createReachability(log);
  const { client, stopWatching } = clientFor(settings, reachability);
  const host = settings.place.nodes.map(({ host, port }) => `${host}:${port}`).join();
  return connectionOf(client, reachability.of(host), stopWatching);
}

/** The prefix of our keys in the Redis of a host app. */
const KEY_PREFIX = 'silent-auth:';

/** Connects to the Redis of a host app's client, by a connection of our own. */
export function connectLike(other: RedisClient, log: Log): Connection {
  const client = other.duplicate({ ...OPTIONS, lazyConnect: false, keyPrefix: KEY_PREFIX }) as Redis;
  const { host = '', port = '' } = client.options;
  return connectionOf(client, createReachability(log).of(`${host}:${port}`));
}

/** By its field: the client of a host app may be of another copy of ioredis. */
const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster;

function connectionOf(
  client: Redis | Cluster,
  { failed, ready: isBack }: HostWatch,
  stopWatching?: () => void,
) {
  if (client instanceof Redis) {
    writeOncePerTurn(client);
    ignoreLaterErrors(client);
  }
  for (const event of ['error', 'sentinelError']) client.on(event, failed);
  // ioredis would use database 0 instead, for as long as the connection lasts.
  client.on('error', ({ command }: Error & { command?: { name: string } }) => {
    if (command?.name === 'select') client.disconnect(true);
  });
  client.on('ready', isBack);
  const ready = new Promise<void>((resolve) => client.once('ready', () => resolve()));
  return {
    client,
    /** Resolves at the first connection. */
    ready: isCluster(client) ? ready.then(() => primariesSettled(client)) : ready,
    /** Calls `listener` each time that Redis, or a node of a cluster, is connected. */
    onReady: (listener: () => void): void => {
      client.on('ready', listener);
      if (!isCluster(client)) return;
      const watch = (node: Redis): void => void node.on('ready', listener);
      client.nodes().forEach(watch);
      client.on('+node', watch);
    },
    close: async (): Promise<void> => {
      stopWatching?.();
      await client.quit().catch(() => undefined);
      client.disconnect();
    },
  };
}

function clientFor(
  settings: RedisSettings,
  reachability: Reachability,
): { client: Redis | Cluster; stopWatching?: () => void } {
  const { place, sentinelAccess } = settings;
  const options = optionsFor(settings, place);
  switch (place.kind) {
    case 'sentinel':
      return connectThroughSentinels(
        place,
        { toRedis: options, toSentinels: optionsFor(settings, sentinelAccess) },
        reachability,
      );
    case 'cluster':
      return { client: connectCluster(place, options, reachability) };
    case 'single':
      return { client: new Redis({ ...options, ...place.nodes[0], db: place.db }) };
  }
}
