import type { Express } from 'express';
import type { Config } from './config/config.js';
import type { World } from './core/world.js';
import { readClientAddresses } from './http/caller.js';
import { contract, healthRoutes, staticFiles } from './http/documents.js';
import { notFound, problemHandler } from './http/problems.js';
import { shield } from './http/protection.js';
import type { Hooks } from './login/hooks.js';
import { createJournal } from './observability/journal.js';
import { bareApp, createRoutes } from './routes.js';
import { createCookieSessions } from './session/cookie.js';
import type { Store } from './store/store.js';

export interface AppDeps {
  config: Config;
  store: Store;
  world: World;
  /** The folder of the package, whose pages are served. */
  root: string;
  hooks?: Hooks;
}

/** The standalone server without its socket: the routes, the pages and the health checks. */
export function createApp({ config, store, world, root, hooks = {} }: AppDeps): Express {
  const https = config.publicUrl.startsWith('https:');
  const secrets = config.sessionSecrets;
  const sessions = createCookieSessions({ store, secrets, secureCookie: https, world });
  const journal = createJournal(world, secrets[0] ?? '');
  const app = bareApp(config);
  app.set('trust proxy', config.trustProxy);
  readClientAddresses(app, world);

  app.use(shield({ hsts: https }));
  const place = { root, base: config.publicUrl, home: '/', hasPage: true };
  app.use(createRoutes({ config, store, world, hooks, sessions, journal, ...place }));
  app.use(healthRoutes(store), contract(root), staticFiles(root, config.helpUrl));
  app.use(notFound, problemHandler(`${config.publicUrl}/errors.md`, journal.failed));
  return app;
}
