import { fileURLToPath } from 'node:url';
import { ConfigError, readConfig } from './config.js';
import { startServer, stopOnSignal } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  const server = await startServer(readConfig(process.env), root);
  stopOnSignal(() => server.stop());
} catch (error) {
  const known = error instanceof ConfigError || (error instanceof Error && 'syscall' in error);
  console.error(known ? error.message : error);
  process.exitCode = 1;
}
