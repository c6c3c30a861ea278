import { Redis } from 'ioredis';

/** The changes of a Redis database. */
export interface Writes {
  /** The changes since the last call, such as `set sess:…`, `del state:…`. */
  since(): Promise<string[]>;
  stop(): void;
}

const MARK = 'mark';

/**
 * Watches the keyspace notifications of a database, which report effective changes only. Renewed
 * expiries are left out, and so are the counters of limits, which also count refused requests.
 */
export async function watchWrites(url: string): Promise<Writes> {
  const [subscriber, publisher] = [new Redis(url), new Redis(url)];
  const database = new URL(url).pathname.slice(1);
  const prefix = `__keyspace@${database}__:`;
  await publisher.config('SET', 'notify-keyspace-events', 'KA');
  await subscriber.psubscribe(`${prefix}*`);

  let changes: string[] = [];
  let marked: () => void = () => undefined;
  subscriber.on('pmessage', (_pattern: string, channel: string, event: string) => {
    const key = channel.slice(prefix.length);
    if (key === MARK) return marked();
    if (event !== 'expire' && !key.startsWith('limit:')) changes.push(`${event} ${key}`);
  });

  return {
    async since() {
      // Notifications come in order: after our own mark, all earlier ones have arrived.
      const reached = new Promise<void>((resolve) => (marked = resolve));
      await publisher.publish(prefix + MARK, '');
      await reached;
      const all = changes;
      changes = [];
      return all;
    },
    stop() {
      subscriber.disconnect();
      publisher.disconnect();
    },
  };
}
