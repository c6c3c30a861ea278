import { randomUUID } from 'node:crypto';
import type { Store } from '../store/store.js';
import { wordsOf } from '../handset/words.js';
import { about, type Finding } from './finding.js';

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
    await store.set(`sess:${id}`, '1', LIFE, 'new');
    await store.get(`sess:${id}`);
    await store.expire(`sess:${id}`, LIFE);
    await store.replace(`sess:${id}`, '1', '2', LIFE);
    await store.delete(`sess:${id}`);
  },
  count: async (store, id) => {
    await store.increment(`limit:code:${id}`, LIFE);
    await store.spend(`limit:doctor:${id}`, [{ entry: 'a', by: 1, limit: 1 }], LIFE);
    await store.note(`limit:doctor:${id}`, 'b', 1, LIFE);
  },
  'hear a webhook': async (store, id) => {
    for (const kind of ['jti', 'verify', 'lock']) await store.set(`${kind}:${id}`, '1', LIFE);
  },
  'say that it is ready': (store) => store.ping(),
};

/** Does each thing once that the server does. What it writes is gone after two seconds. */
export async function tryRights(store: Store): Promise<Finding> {
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
