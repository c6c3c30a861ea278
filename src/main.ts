import { fileURLToPath } from 'node:url';
import { readConfig } from './config.js';
import { run, startServer } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

await run(async () => {
  const server = await startServer(readConfig(process.env), root);
  return () => server.stop();
});
