import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Hooks } from './login/hooks.js';
import type { Env } from './config/reader.js';
import { createApp } from './app.js';
import { ConfigError, type Config } from './config/config.js';
import { createMemoryStore } from './store/memory.js';
import { openRedisStore } from './store/redis.js';
import { openObservability } from './observability/observability.js';
import { listen, messagesOf, type Listening } from './http/server.js';
import { systemWorld } from './core/world.js';

const NAMES = ['beforeLogin', 'beforeSession'] as const satisfies readonly (keyof Hooks)[];

/** The hooks of the module that `HOOKS` names, or what is wrong with it, to be told with what else is wrong. */
export async function loadHooks(env: Env): Promise<{ hooks: Hooks; problems: readonly string[] }> {
  const file = env['HOOKS']?.trim();
  if (!file) return { hooks: {}, problems: [] };
  const path = resolve(file);
  if (!existsSync(path)) return { hooks: {}, problems: [`HOOKS: there is no file ${path}.`] };
  try {
    const found = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    return { hooks: found, problems: problemsOf(found) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { hooks: {}, problems: [`HOOKS: ${path} cannot be loaded as an ES module: ${why}`] };
  }
}

/** A hook under a name that is spelled wrong would never be asked, so no other export is taken. */
function problemsOf(found: Record<string, unknown>): string[] {
  const known = NAMES.filter((name) => name in found);
  const others = Object.keys(found).filter((name) => !NAMES.some((each) => each === name));
  return [
    ...(known.length === 0 ? [`HOOKS: the module has to export ${NAMES.join(' or ')}.`] : []),
    ...others.map((name) => `HOOKS: ${name} is no hook; the module may export ${NAMES.join(' and ')} alone.`),
    ...known
      .filter((name) => typeof found[name] !== 'function')
      .map((name) => `HOOKS: ${name} must be a function.`),
  ];
}

/** Milliseconds that requests under way have to finish once the server is told to stop. */
const GRACE = 10_000;

export interface Running {
  port: number;
  stop(): Promise<void>;
}

/** Opens the windows of the house (clock, randomness, log, store) and the door. @param root the folder of the package */
export async function startServer(config: Config, root: string, hooks: Hooks): Promise<Running> {
  const observability = await openObservability(config);
  const world = systemWorld(observability.log, observability.meter, observability.span);
  const store = observability.observeStore(
    config.redis ? await openRedisStore(config.redis, world.log) : createMemoryStore(world),
  );
  const app = createApp({ config, store, world, root, hooks });
  const docsUrl = `${config.publicUrl}/errors.md`;
  const doors: Listening[] = [];
  const stop = async (graceMs: number) => {
    // In their order: while logins still finish, they are still counted and told.
    for (const door of doors) await door.drain(graceMs);
    await store.close();
    await observability.close();
  };
  try {
    const { port, keepAliveSeconds } = config;
    const messages = messagesOf(app);
    const server = await listen(observability.observeServer(app), {
      port,
      docsUrl,
      messages,
      keepAliveSeconds,
    });
    doors.push(server);
    const metrics = await observability.listen(docsUrl);
    if (metrics) doors.push(metrics);
    world.log.info(
      {
        port: server.port,
        ...(metrics && { metrics_port: metrics.port }),
        public_url: config.publicUrl,
        engine: config.silentAuth,
      },
      'listening',
    );
    return {
      port: server.port,
      async stop() {
        await stop(GRACE);
        world.log.info({}, 'stopped');
      },
    };
  } catch (error) {
    // An open connection to the store would keep a process alive that listens on nothing.
    await stop(0);
    throw error;
  }
}

/**
 * Runs a program: starts it, and stops it once on SIGTERM or SIGINT; a second signal ends it at once. What keeps it from
 * starting is told in words where it is the settings or a port, and ends the process with 1.
 */
export async function run(start: () => Promise<() => Promise<void>>): Promise<void> {
  try {
    const stop = await start();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => void stop().then(() => process.exit(0)));
    }
  } catch (error) {
    const known = error instanceof ConfigError || (error instanceof Error && 'syscall' in error);
    console.error(known ? error.message : error);
    process.exit(1);
  }
}
