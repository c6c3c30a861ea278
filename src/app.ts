import type { Express } from 'express';
import type { Config } from './config/config.js';
import type { Hooks } from './login/hooks.js';
import { createJournal } from './observability/journal.js';
import { createRoutes } from './routes.js';
import { createCookieSessions } from './session/cookie.js';
import type { Store } from './store/store.js';
import { readClientAddresses } from './http/caller.js';
import { bareApp } from './routes.js';
import { contract } from './http/documents.js';
import { healthRoutes } from './http/documents.js';
import { notFound, problemHandler } from './http/problems.js';
import { shield } from './http/protection.js';
import { staticFiles } from './http/documents.js';
import type { World } from './core/world.js';

export interface AppDeps {
  config: Config;
  store: Store;
  world: World;
  /** The folder of the package: its page and what the page is made with are served from there. */
  root: string;
  /** The operator's own rules. */
  hooks?: Hooks;
}

/** The whole server but its socket: the routes of the product, and what a server by itself has around them. */
export function createApp({ config, store, world, root, hooks = {} }: AppDeps): Express {
  const https = config.publicUrl.startsWith('https:');
  const sessions = createCookieSessions({
    store,
    secrets: config.sessionSecrets,
    secureCookie: https,
    world,
  });
  const journal = createJournal(world, config.sessionSecrets[0] ?? '');
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
