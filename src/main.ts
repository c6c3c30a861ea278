import './config/no-debug.js';
import { fileURLToPath } from 'node:url';
import { readConfig } from './config/config.js';
import { loadHooks, run, startServer } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

await run(async () => {
  const { hooks, problems } = await loadHooks(process.env);
  const config = readConfig(process.env, problems);
  const server = await startServer(config, root, hooks);
  return (signal) => server.stop(signal === 'SIGTERM' ? config.drainSeconds : 0);
});
