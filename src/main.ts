import { fileURLToPath } from 'node:url';
import { ConfigError, readConfig } from './config.js';
import { startServer, stopOnSignal } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  const server = await startServer(readConfig(process.env), root);
  stopOnSignal(() => server.stop());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
