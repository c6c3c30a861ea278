import { Redis } from 'ioredis';

/** What changed in a database of Redis since it was last asked: `set sess:…`, `del state:…`. */
export interface Writes {
  since(): Promise<string[]>;
  stop(): void;
}

const MARK = 'mark';

/**
 * Watches a database by its own notices of change, which come for what was changed and not for
 * what was only tried. Lives that are made longer by use are left out, and the counters of
 * limits, which are there to count what is refused.
 */
export async function watchWrites(url: string): Promise<Writes> {
  const [hears, marks] = [new Redis(url), new Redis(url)];
  const database = new URL(url).pathname.slice(1);
  const prefix = `__keyspace@${database}__:`;
  await marks.config('SET', 'notify-keyspace-events', 'KA');
  await hears.psubscribe(`${prefix}*`);

  let heard: string[] = [];
  let marked: () => void = () => undefined;
  hears.on('pmessage', (_pattern: string, channel: string, event: string) => {
    const key = channel.slice(prefix.length);
    if (key === MARK) return marked();
    if (event !== 'expire' && !key.startsWith('limit:')) heard.push(`${event} ${key}`);
  });

  return {
    async since() {
      // Notices come in order: once a mark of our own is heard, all that was before it has been.
      const here = new Promise<void>((resolve) => (marked = resolve));
      await marks.publish(prefix + MARK, 'here');
      await here;
      const all = heard;
      heard = [];
      return all;
    },
    stop() {
      hears.disconnect();
      marks.disconnect();
    },
  };
}
