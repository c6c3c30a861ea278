// Jest loads this file without its module mapper, so imports name the file as it is.
import { startRedis, type RedisServer } from './redis-server.ts';

declare global {
  var redisOfAllSuites: RedisServer | undefined;
}

export default async function globalSetup(): Promise<void> {
  globalThis.redisOfAllSuites = await startRedis();
  process.env['TEST_REDIS_URL'] = globalThis.redisOfAllSuites.url;
}
