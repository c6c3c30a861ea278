import type { Redis } from 'ioredis';

/** What Redis holds, as text: values, and accounts of limits with their entries. */
export async function recordsOf(redis: Redis): Promise<{ key: string; text: string }[]> {
  const keys = (await redis.keys('*')).sort();
  return Promise.all(
    keys.map(async (key) => {
      const isAccount = (await redis.type(key)) === 'hash';
      return {
        key,
        text: isAccount ? JSON.stringify(await redis.hgetall(key)) : String(await redis.get(key)),
      };
    }),
  );
}

/** The keys of what stands in Redis for a login or a session: what was counted stays counted, whatever comes of it. */
export const keptFor = async (redis: Redis): Promise<string[]> =>
  (await redis.keys('*')).filter((key) => !key.startsWith('limit:'));
