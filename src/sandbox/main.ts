import { pino } from 'pino';
import { systemWorld } from '../core/world.js';
import { createSandbox } from './app.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
if ('problems' in settings) {
  const problems = settings.problems.map((each) => `  - ${each}\n`);
  process.stderr.write(`The sandbox cannot start:\n${problems.join('')}`);
  process.exit(1);
}

const { port, publicUrl, webhooks, ...rest } = settings;
const world = systemWorld(pino({ level: process.env.LOG_LEVEL ?? 'warn' }));
const sandbox = createSandbox({
  ...rest,
  publicUrl: () => publicUrl,
  webhooks: webhooks && { ...webhooks, url: () => webhooks.url },
  world,
});
sandbox.startTicking();

const server = sandbox.app.listen(port, (error) => {
  if (error) {
    process.stderr.write(`The sandbox cannot listen on port ${port}: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`Sandbox at ${publicUrl}, sending devices back to ${settings.redirectUri}\n`);
});

const stop = (): void => {
  server.close();
  // Does not wait for slow answers.
  server.closeAllConnections();
};
process.once('SIGTERM', stop).once('SIGINT', stop);
