import express from 'express';
import { Router, type Express, type RequestHandler } from 'express';
import { assertionRoutes, createAssertions, keyRoutes } from './session/assertion.js';
import type { Config } from './config/config.js';
import { createLimits } from './limits/counters.js';
import { createPace } from './limits/pace.js';
import { callbackRoutes } from './login/callback.js';
import { ENGINES } from './login/engines.js';
import { createFlow, type Flow } from './login/flow.js';
import { createRules, type Hooks } from './login/hooks.js';
import { createPseudonym, type Journal } from './login/journal.js';
import { createOtp, type Otp } from './login/verification.js';
import { createReports } from './login/progress.js';
import { loginRoutes, webhookRoutes } from './login/routes.js';
import { createTickets } from './login/tickets.js';
import { sessionRoutes } from './session/routes.js';
import type { Sessions } from './login/routes.js';
import type { Store } from './store/store.js';
import { MAX_CONNECTIONS } from './vonage/undici-adapter.js';
import { createVonage } from './vonage/vonage.js';
import { createWebhookReader } from './vonage/webhook.js';
import { jsonBody } from './http/body.js';
import { crossOrigin, refuseStrangers } from './http/protection.js';
import { errorsPage } from './http/documents.js';
import { createOverload, type Place } from './http/overload.js';
import type { World } from './core/world.js';

/**
 * An Express application that tells nothing of itself, and takes a path and a query in one way only. Whether the client's
 * connection is encrypted is said by `PUBLIC_URL`, not by a header that anyone can send.
 */
export function bareApp({ publicUrl }: { publicUrl: string }): Express {
  const https = publicUrl.startsWith('https:');
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  app.set('query parser', 'simple');
  Object.defineProperty(app.request, 'secure', { get: () => https });
  return app;
}

export interface RoutesDeps {
  config: Config;
  store: Store;
  world: World;
  /** The operator's own rules. */
  hooks: Hooks;
  sessions: Sessions;
  journal: Journal;
  /** The folder of the package. */
  root: string;
  /** Where the routes are reached from outside: `PUBLIC_URL`, and the path they are mounted at. */
  base: string;
  /** Where a browser comes home to, as its `Location` says it. */
  home: string;
  /** Whether the page is served beside the routes, whose style their own pages then have. */
  hasPage: boolean;
}

/** The paths of the product. Whatever is not one of them is somebody else's, and passes untouched. */
const OURS =
  /^\/(?:login(?:\/next)?|callback|verify|session(?:\/assertion)?|logout|webhooks\/verify|\.well-known\/jwks\.json|errors\.md)$/;

/** Leaves the router for every request that is not to one of our paths, to the letter. */
export const oursAlone: RequestHandler = (req, _res, next) =>
  next(OURS.test(req.path) ? undefined : 'router');

/** The routes of the product, as a server by itself has them, and as another app mounts them. */
export function createRoutes(deps: RoutesDeps): Router {
  const { config, store, world, sessions, journal } = deps;
  const reports = createReports(store, config.sessionSecrets, world);
  const assertions =
    config.assertions && createAssertions({ ...config.assertions, issuer: deps.base, world });
  const reader = config.webhooks && createWebhookReader({ ...config.vonage, ...config.webhooks, world });

  const fromOthers = crossOrigin(config.allowedOrigins);
  const docsUrl = `${deps.base}/errors.md`;
  const { maxUtilization } = config;
  const { watch, admit, place } = createOverload({ world, maxUtilization, places: MAX_CONNECTIONS, docsUrl });
  const { flow, otp } = createStory(deps, reports, place);

  const router = Router({ caseSensitive: true, strict: true });
  router.use(oursAlone, watch);
  callbackRoutes(router, flow, sessions, deps.home, journal.failed);
  webhookRoutes(router, reader, reports, journal);
  errorsPage(router, deps.root, deps.hasPage);
  if (assertions) keyRoutes(router, assertions, !deps.hasPage);
  router.use(refuseStrangers([config.publicUrl, ...config.allowedOrigins]), ...fromOthers, jsonBody());
  loginRoutes(router, { flow, sessions, otp, countries: config.allowedCountries, admit });
  sessionRoutes(router, sessions, flow, journal);
  if (assertions) assertionRoutes(router, assertions, sessions);
  return router;
}

/** The story of a login, with all that it is told with. */
function createStory(
  { config, store, world, hooks, journal, base, home }: RoutesDeps,
  reports: ReturnType<typeof createReports>,
  place: Place,
): { flow: Flow; otp: Otp } {
  const { limits, fallbackChannels: fallbacks } = config;
  const [secret = ''] = config.sessionSecrets;
  const pace = createPace({ ...limits, store, world });
  const vonage = createVonage(config.vonage, `${base}/callback`, world, (api, seconds) =>
    pace.pause(api, seconds),
  );
  const redirectUrl = new URL(home, base).href;
  const otp = createOtp({ verify: vonage.otp, world, reports, ...config.verify, redirectUrl });
  const flow = createFlow({
    engine: ENGINES[config.silentAuth]({ vonage, otp, fallbacks }),
    otp,
    fallbacks,
    tickets: createTickets(store, world),
    reports,
    rules: createRules(hooks, world),
    place,
    limits: createLimits({ ...limits, store, world, pace, secret }),
    store,
    world,
    journal,
    pseudonym: createPseudonym(secret),
  });
  return { flow, otp };
}
