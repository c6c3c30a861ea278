import { join } from 'node:path';
import express, { type Express } from 'express';
import type { Config } from './config.js';
import { callbackRoutes } from './login/callback.js';
import { networkEnablementEngine, oidcEngine } from './login/engines/network.js';
import { createFlow } from './login/flow.js';
import { loginRoutes } from './login/routes.js';
import { createTickets } from './login/tickets.js';
import { createPseudonym } from './phone.js';
import { sessionRoutes } from './session/routes.js';
import { createSessions } from './session/session.js';
import type { Store } from './store/store.js';
import { createVonage } from './vonage/vonage.js';
import { jsonBody } from './web/body.js';
import { healthRoutes } from './web/health.js';
import { crossOrigin, refuseStrangers } from './web/origin.js';
import { notFound, problemHandler } from './web/problem.js';
import { requestId, securityHeaders } from './web/shield.js';
import { staticFiles } from './web/static.js';
import type { World } from './world.js';

export interface AppDeps {
  config: Config;
  store: Store;
  world: World;
  /** The folder of the package: its `public` and `docs` are served from there. */
  root: string;
}

/** The whole server but its socket. */
export function createApp({ config, store, world, root }: AppDeps): Express {
  const https = config.publicUrl.startsWith('https:');
  const vonage = createVonage(config, world);
  const engine = config.silentAuth === 'oidc' ? oidcEngine(vonage) : networkEnablementEngine(vonage);
  const secrets = config.sessionSecrets;
  const pseudonym = createPseudonym(secrets[0] as string);
  const flow = createFlow({ engine, tickets: createTickets(store, world), world, pseudonym });
  const sessions = createSessions({ store, secrets, secureCookie: https, world });

  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  app.set('query parser', 'simple');
  // PUBLIC_URL says whether the client's connection is encrypted, not a header that anyone can send.
  Object.defineProperty(app.request, 'secure', { get: () => https });

  app.use(requestId, securityHeaders(https));
  app.use(healthRoutes(store));
  app.use(callbackRoutes(flow, sessions));
  app.use(staticFiles(join(root, 'public'), join(root, 'docs', 'errors.md')));
  app.use(refuseStrangers([config.publicUrl, ...config.allowedOrigins]));
  // Express would take an empty list in first place for a path.
  app.use(...crossOrigin(config.allowedOrigins), ...jsonBody());
  app.use(loginRoutes(flow, sessions, world));
  app.use(sessionRoutes(sessions));
  app.use(notFound, problemHandler(`${config.publicUrl}/errors.md`, world.log));
  return app;
}
