import { Redis } from 'ioredis';
import type { Address, Place } from '../config/redis-url.js';
import type { ConnectionOptions } from './options.js';

type Sentinels = Extract<Place, { kind: 'sentinel' }>;
type Failed = (error: Error) => void;

/**
 * Connects to the primary that the sentinels name. Each attempt asks them anew, one after the other, and what is reached has
 * to say itself that it is a primary, or it is left again.
 * @param options those of the connection to Redis
 * @param toSentinels those of the connections to the sentinels, which are never told the password of Redis
 */
export function connectThroughSentinels(
  { nodes, name, db }: Sentinels,
  options: ConnectionOptions,
  toSentinels: ConnectionOptions,
  failed: Failed,
): { client: Redis; stopWatching: () => void } {
  const client = new Redis({
    ...options,
    ...sentinelOptions(toSentinels),
    db,
    name,
    sentinels: [...nodes],
  });
  const watchers = nodes.map((node) =>
    watch({ ...toSentinels, ...node }, name, failed, () => client.disconnect(true)),
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
  // Those that are named are all that are asked: the addresses that sentinels know each other by need not lead there from here.
  updateSentinels: false,
});

/**
 * Hears from a sentinel when the primary is another one. A former primary that is alive takes writes for some ten seconds
 * until a sentinel tells it what it is now, and all of them are lost; so it is left at once. ioredis has the same
 * (`failoverDetector`), but minds every primary of the sentinels, and prints what it cannot reach.
 */
function watch(
  options: ConnectionOptions & Address,
  name: string,
  failed: Failed,
  switched: () => void,
): Redis {
  const watcher = new Redis({ ...options, enableReadyCheck: false, autoResubscribe: false });
  watcher.on('error', failed);
  watcher.on('message', (_channel: string, news: string) => {
    if (news.split(' ', 1)[0] === name) switched();
  });
  // What fails here ends the connection, which says so, and the next one subscribes again.
  watcher.on('ready', () => void watcher.subscribe('+switch-master').catch(() => undefined));
  return watcher;
}
