import './config/no-debug.js';
import { fileURLToPath } from 'node:url';
import { readConfig } from './config/config.js';
import { loadHooks, run, startServer } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

await run(async () => {
  const { hooks, problems } = await loadHooks(process.env);
  const server = await startServer(readConfig(process.env, problems), root, hooks);
  return () => server.stop();
});
