import type { Redis } from 'ioredis';

/** The content of Redis as text: values, and counters of limits with their entries. */
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

/** The keys of logins and sessions in Redis, without counters, which remain in any case. */
export const keptFor = async (redis: Redis): Promise<string[]> =>
  (await redis.keys('*')).filter((key) => !key.startsWith('limit:'));
