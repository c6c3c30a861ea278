import './quiet.js';
import { fileURLToPath } from 'node:url';
import { readConfig } from './config.js';
import { loadHooks } from './hooks-file.js';
import { run, startServer } from './server.js';

const root = fileURLToPath(new URL('..', import.meta.url));

await run(async () => {
  const { hooks, problems } = await loadHooks(process.env);
  const server = await startServer(readConfig(process.env, problems), root, hooks);
  return () => server.stop();
});
