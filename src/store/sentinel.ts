import { Redis } from 'ioredis';
import type { Address, Place } from '../config/redis-url.js';
import type { ConnectionOptions } from './options.js';

type Sentinels = Extract<Place, { kind: 'sentinel' }>;
type Failed = (error: Error) => void;

/**
 * Connects to the primary that the sentinels name. Each attempt asks the sentinels again, one after the
 * other, and leaves a server that does not say that it is a primary.
 * @param options `toSentinels` has no password of Redis
 */
export function connectThroughSentinels(
  { nodes, name, db }: Sentinels,
  { toRedis, toSentinels }: { toRedis: ConnectionOptions; toSentinels: ConnectionOptions },
  failed: Failed,
): { client: Redis; stopWatching: () => void } {
  const client = new Redis({
    ...toRedis,
    ...sentinelOptions(toSentinels),
    db,
    name,
    sentinels: [...nodes],
  });
  const watchers = nodes.map((node) =>
    watch({ ...toSentinels, ...node }, failed, (primary) => {
      if (primary === name) client.disconnect(true);
    }),
  );
  return { client, stopWatching: () => watchers.forEach((watcher) => watcher.disconnect()) };
}

const sentinelOptions = ({ username, password, tls, commandTimeout, retryStrategy }: ConnectionOptions) => ({
  ...(username !== undefined && { sentinelUsername: username }),
  ...(password !== undefined && { sentinelPassword: password }),
  ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  // Without one, a sentinel that hangs would never be left for the next.
  sentinelCommandTimeout: commandTimeout,
  // Anything but a number would end the connection for good.
  sentinelRetryStrategy: retryStrategy,
  // Only the configured sentinels are asked: the addresses they know each other by may not be reachable from here.
  updateSentinels: false,
});

/**
 * Calls `switched` with the name of each primary that a sentinel replaces. A former primary takes
 * writes for some ten seconds more, all of which are lost, so it is left at once. ioredis has the same
 * (`failoverDetector`), but reacts to every primary of the sentinels, and prints connection errors.
 */
function watch(
  options: ConnectionOptions & Address,
  failed: Failed,
  switched: (name: string) => void,
): Redis {
  const watcher = new Redis({ ...options, enableReadyCheck: false, autoResubscribe: false });
  watcher.on('error', failed);
  watcher.on('message', (_channel: string, news: string) => {
    switched(news.split(' ', 1)[0] ?? '');
  });
  // An error here ends the connection, and the next one subscribes again.
  watcher.on('ready', () => void watcher.subscribe('+switch-master').catch(() => undefined));
  return watcher;
}
