import { execFileSync } from 'node:child_process';
// Jest loads this file without its module mapper, so imports name the file as it is.
import { startRedis, type RedisServer } from './redis-server.ts';

declare global {
  var redisOfAllSuites: RedisServer | undefined;
}

export default async function globalSetup(): Promise<void> {
  // The page imports the client as it is built.
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'client'], { stdio: 'inherit' });
  globalThis.redisOfAllSuites = await startRedis();
  process.env['TEST_REDIS_URL'] = globalThis.redisOfAllSuites.url;
}
