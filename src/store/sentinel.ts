import { Redis } from 'ioredis';
import type { Address, Place } from '../config/redis-url.js';
import { ignoreLaterErrors, type ConnectionOptions } from './options.js';
import type { Reachability } from './reachability.js';

type Sentinels = Extract<Place, { kind: 'sentinel' }>;

/**
 * Connects to the primary that the sentinels name. Each attempt asks them again, in turn, and
 * drops a server that is not a primary.
 * @param options `toSentinels` has the credentials for sentinels, not for Redis
 */
export function connectThroughSentinels(
  { nodes, name, db }: Sentinels,
  { toRedis, toSentinels }: { toRedis: ConnectionOptions; toSentinels: ConnectionOptions },
  reachability: Reachability,
): { client: Redis; stopWatching: () => void } {
  const client = new Redis({
    ...toRedis,
    ...sentinelOptions(toSentinels),
    db,
    name,
    sentinels: [...nodes],
  });
  const watchers = nodes.map((node) =>
    watch({ ...toSentinels, ...node }, reachability, (primary) => {
      if (primary === name) client.disconnect(true);
    }),
  );
  // To ioredis, a `disconnect` while it asks a sentinel is the end of the client. Each sentinel
  // reports a new primary by itself, so the report of one may come while the next is asked.
  const connectAgain = (): void => void client.connect().catch(() => undefined);
  client.on('end', connectAgain);
  const stopWatching = (): void => {
    client.off('end', connectAgain);
    watchers.forEach((watcher) => watcher.disconnect());
  };
  return { client, stopWatching };
}

const sentinelOptions = ({ username, password, tls }: ConnectionOptions) => ({
  ...(username !== undefined && { sentinelUsername: username }),
  ...(password !== undefined && { sentinelPassword: password }),
  ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  // The addresses by which sentinels know each other may not be reachable from here.
  updateSentinels: false,
});

/**
 * Calls `switched` with the name of each primary that a sentinel replaces. For about ten seconds a
 * former primary still accepts writes, which are lost. `failoverDetector` of ioredis reacts to
 * every primary of the sentinels, and prints connection errors.
 */
function watch(
  options: ConnectionOptions & Address,
  reachability: Reachability,
  switched: (name: string) => void,
): Redis {
  const watcher = new Redis({ ...options, enableReadyCheck: false, autoResubscribe: false });
  const host = reachability.of(`${options.host}:${options.port}`);
  watcher.on('error', host.failed).on('ready', host.ready);
  ignoreLaterErrors(watcher);
  watcher.on('message', (_channel: string, news: string) => switched(news.split(' ', 1)[0] ?? ''));
  // An error ends the connection, and the next one subscribes again.
  watcher.on('ready', () => void watcher.subscribe('+switch-master').catch(() => undefined));
  return watcher;
}
