import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createApp, createOperatorApp } from './routes.js';
import { ConfigError, type Config } from './config/config.js';
import type { Env } from './config/reader.js';
import { systemWorld } from './core/world.js';
import { listen, messagesOf, type Listening } from './http/server.js';
import type { Hooks } from './login/hooks.js';
import { openObservability } from './observability/observability.js';
import { createMemoryStore } from './store/memory.js';
import { openRedisStore } from './store/redis.js';

const HOOK_NAMES = ['beforeLogin', 'beforeSession', 'onEvent'] as const satisfies readonly (keyof Hooks)[];

const NAMES = HOOK_NAMES.join(', ');

/** Loads the module that `HOOKS` names. `problems` are reported with those of the settings. */
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

/** A misspelt hook would never be called, so other exports are refused. */
function problemsOf(found: Record<string, unknown>): string[] {
  const known = HOOK_NAMES.filter((name) => name in found);
  const others = Object.keys(found).filter((name) => !HOOK_NAMES.some((each) => each === name));
  return [
    ...(known.length === 0 ? [`HOOKS: the module has to export one of ${NAMES}.`] : []),
    ...others.map((name) => `HOOKS: ${name} is no hook; the module may export ${NAMES} alone.`),
    ...known
      .filter((name) => typeof found[name] !== 'function')
      .map((name) => `HOOKS: ${name} must be a function.`),
  ];
}

/** How long requests under way may finish after the server is stopped. */
const STOP_TIMEOUT_MS = 10_000;

/** Creates clock, randomness, log and store, and listens. @param root the folder of the package */
export async function startServer(config: Config, root: string, hooks: Hooks) {
  const observability = await openObservability(config);
  const world = systemWorld(observability.log, observability.meter, observability.span);
  const store = observability.observeStore(
    config.redis ? await openRedisStore(config.redis, world.log) : createMemoryStore(world),
  );
  const stopping = new AbortController();
  const app = createApp({ config, store, world, root, hooks, stopping: stopping.signal });
  const docsUrl = `${config.publicUrl}/errors.md`;
  const listening: Listening[] = [];
  const open = async <T extends Listening | undefined>(opening: Promise<T>): Promise<T> => {
    const opened = await opening;
    if (opened) listening.push(opened);
    return opened;
  };
  const stop = async (graceMs: number) => {
    // In order: the metrics can still be read while logins finish.
    for (const each of listening) await each.drain(graceMs);
    await store.close();
    await observability.close();
  };
  try {
    const { host, keepAliveSeconds, publicUrl, silentAuth: engine } = config;
    const options = { port: config.port, host, docsUrl, messages: messagesOf(app), keepAliveSeconds };
    const server = await open(listen(observability.observeServer(app), options));
    const { port } = server;
    const metrics = await open(
      observability.listen(docsUrl, createOperatorApp({ config, store, world, hooks })),
    );
    const metricsPort = metrics && { metrics_port: metrics.port };
    world.log.info({ port, ...metricsPort, public_url: publicUrl, engine }, 'listening');
    return {
      port,
      /**
       * Stops: for `drainSeconds`, `/readyz` answers 503 and each answer closes its connection, so
       * that proxies send no more requests. Then the server accepts no connection.
       */
      async stop(drainSeconds: number): Promise<void> {
        world.log.info({ drain_seconds: drainSeconds }, 'stopping');
        stopping.abort();
        server.closeAfterAnswers();
        await pause(drainSeconds * 1000);
        await stop(STOP_TIMEOUT_MS);
        world.log.info({}, 'stopped');
      },
    };
  } catch (error) {
    // An open connection to the store would keep the process alive.
    await stop(0);
    throw error;
  }
}

/**
 * Starts a program, and stops it on SIGTERM or SIGINT; a second signal ends the process at once. If
 * it cannot start, the process prints why and exits with 1: without a stack for settings and ports.
 * @param start returns what stops the program. SIGINT comes from a terminal, behind no proxy
 */
export async function run(
  start: () => Promise<(signal: 'SIGTERM' | 'SIGINT') => Promise<void>>,
): Promise<void> {
  try {
    const stop = await start();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => void stop(signal).then(() => process.exit(0)));
    }
  } catch (error) {
    const known = error instanceof ConfigError || (error instanceof Error && 'syscall' in error);
    console.error(known ? error.message : error);
    process.exit(1);
  }
}
