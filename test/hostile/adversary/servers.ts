import type { RequestListener } from 'node:http';
import session from 'express-session';
import { shield } from '../../../src/http/protection.js';
import { problemHandler } from '../../../src/http/problems.js';
import { readClientAddresses } from '../../../src/http/caller.js';
import { listen } from '../../../src/http/server.js';
import {
  bareApp,
  createApp,
  createCommon,
  createOperatorApp,
  createRoutes,
  type AppDeps,
} from '../../../src/routes.js';
import { createHostSessions } from '../../../src/session/host.js';
import type { SimSwapPolicy } from '../../../src/config/limits.js';
import type { System } from '../../support/system.js';

/** The servers by their names; a mutation has its own. */
export const SERVERS = { createApp, createHostApp, createOperatorApp };
export type Servers = typeof SERVERS;

/** Where the requests of a game go. */
export const PLACES = {
  'one server': [0],
  'two servers': [0, 1],
  'routes in an app with a session': [2],
  'a server that refuses changed SIMs': [3],
  'a server that asks more of changed SIMs': [4],
} as const satisfies Record<string, readonly number[]>;
export type Place = keyof typeof PLACES;

type Build = Servers['createApp'];

/** The builds of the servers in {@link PLACES}. They differ in what they ask about SIMs. */
export function buildsOf(servers: Servers): Build[] {
  const withPolicy =
    (build: Build, policy: SimSwapPolicy | undefined): Build =>
    ({ config, ...deps }) => {
      const policies = policy && { swapped: policy, unknown: policy };
      return build({ ...deps, config: { ...config, simSwap: policies && { hours: 72, policies } } });
    };
  const plain = withPolicy(servers.createApp, undefined);
  return [
    ...[plain, plain, withPolicy(servers.createHostApp, undefined)],
    ...[withPolicy(servers.createApp, 'refuse'), withPolicy(servers.createApp, 'step_up')],
  ];
}

/** The routes in an app whose session of express-session carries theirs. */
function createHostApp({ config, store, world, root, hooks = {} }: AppDeps): ReturnType<Build> {
  const common = createCommon({ config, store, world });
  const sessions = createHostSessions(common.sessionDeps);
  const app = bareApp(config);
  readClientAddresses(app, world);
  app.use(session({ name: 'sid', secret: 'of the app', resave: false, saveUninitialized: false }));
  app.use(shield({ hsts: false }));
  const place = { root, base: config.publicUrl, home: '/', hasPage: false };
  app.use(createRoutes({ ...common, hooks, sessions, ...place }));
  app.use(problemHandler({ page: config.page, ...place, failed: common.journal.failed }));
  return app;
}

/** The routes for operators on the store of a system. */
export function openOperators(servers: Servers, { config, store, world }: System) {
  const app = servers.createOperatorApp({ config, store, world }) as RequestListener;
  return listen(app, { port: 0, docsUrl: 'errors' });
}
