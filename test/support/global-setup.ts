import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Jest loads this file without its module mapper, so imports name the real file.
import { newCredentials } from '../../src/sandbox/credentials.ts';
import { resolvedContract } from './resolved-contract.ts';
import { startRedis, type RedisServer } from './redis-server.ts';

declare global {
  var redisOfAllSuites: RedisServer | undefined;
  var folderOfAllSuites: string | undefined;
}

export default async function globalSetup(): Promise<void> {
  // The server sends the built client and the bundle of its page. `npm run typecheck` checks its
  // types.
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--noCheck', '-p', 'client']);
  execFileSync(process.execPath, ['--import', 'tsx', 'client/bundle.ts']);
  globalThis.folderOfAllSuites = mkdtempSync(join(tmpdir(), 'suites-'));
  process.env['TEST_FOLDER'] = globalThis.folderOfAllSuites;
  writeFileSync(join(globalThis.folderOfAllSuites, 'openapi.json'), JSON.stringify(resolvedContract()));
  process.env['TEST_CREDENTIALS'] = JSON.stringify(newCredentials());
  globalThis.redisOfAllSuites = await startRedis();
  process.env['TEST_REDIS_URL'] = globalThis.redisOfAllSuites.url;
}
