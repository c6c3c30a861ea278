import express, { Router, type Express, type RequestHandler } from 'express';
import type { Config } from './config/config.js';
import type { World } from './core/world.js';
import { errorsPage } from './http/documents.js';
import { jsonBody } from './http/json.js';
import { createOverload, type WithUpstreamSlot } from './http/overload.js';
import { crossOrigin, refuseOtherOrigins } from './http/protection.js';
import { createLimits } from './limits/counters.js';
import { createPace } from './limits/pace.js';
import { callbackRoutes } from './login/callback.js';
import { ENGINES } from './login/engines.js';
import { createFlow, type Flow } from './login/flow.js';
import { createRules, type Hooks } from './login/hooks.js';
import { createReports, type Reports } from './login/progress.js';
import { createLiveVerifications } from './login/live-verifications.js';
import { loginRoutes, webhookRoutes, type Sessions } from './login/routes.js';
import { createTickets } from './login/tickets.js';
import { createVerifications, type Verifications } from './login/verification.js';
import type { Journal } from './observability/journal.js';
import { assertionRoutes, createAssertions, keyRoutes } from './session/assertion.js';
import { sessionRoutes } from './session/routes.js';
import type { Store } from './store/store.js';
import { MAX_CONNECTIONS } from './vonage/undici-adapter.js';
import { createVonage } from './vonage/vonage.js';
import { createWebhookReader } from './vonage/webhook.js';

/** An Express app with strict paths. `PUBLIC_URL`, not a header, says whether clients use https. */
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
  hooks: Hooks;
  sessions: Sessions;
  journal: Journal;
  root: string;
  /** `PUBLIC_URL` and the path that the routes are mounted at. */
  base: string;
  /** Where `/callback` sends a browser, as its `Location`. */
  home: string;
  /** Whether `public/` is served beside the routes, whose pages then use its style. */
  hasPage: boolean;
}

const OUR_PATHS =
  /^\/(?:login(?:\/next)?|callback|verify|session(?:\/assertion)?|logout|webhooks\/verify|\.well-known\/jwks\.json|errors\.md)$/;

/** Leaves any other path to the app around. */
export const onlyOurPaths: RequestHandler = (req, _res, next) =>
  next(OUR_PATHS.test(req.path) ? undefined : 'router');

export function createRoutes(deps: RoutesDeps): Router {
  const { config, store, world, sessions, journal } = deps;
  const reports = createReports(store, config.sessionSecrets, world);
  const assertions =
    config.assertions && createAssertions({ ...config.assertions, issuer: deps.base, world });
  const reader = config.webhooks && createWebhookReader({ ...config.vonage, ...config.webhooks, world });

  const { watch, admit, withUpstreamSlot } = createOverload({
    world,
    maxUtilization: config.maxUtilization,
    upstreamSlots: MAX_CONNECTIONS,
    docsUrl: `${deps.base}/errors.md`,
  });
  const { flow, verifications } = createLoginFlow(deps, reports, withUpstreamSlot);

  const router = Router({ caseSensitive: true, strict: true });
  router.use(onlyOurPaths, watch);
  callbackRoutes(router, { flow, sessions, home: deps.home, failed: journal.failed });
  webhookRoutes(router, { reader, reports, journal });
  errorsPage(router, deps.root, deps.hasPage);
  if (assertions) keyRoutes(router, assertions, !deps.hasPage);
  router.use(refuseOtherOrigins([config.publicUrl, ...config.allowedOrigins]));
  router.use(...crossOrigin(config.allowedOrigins), jsonBody());
  loginRoutes(router, { flow, sessions, verifications, countries: config.allowedCountries, admit });
  sessionRoutes(router, { sessions, flow, journal });
  if (assertions) assertionRoutes(router, assertions, sessions);
  return router;
}

function createLoginFlow(
  { config, store, world, hooks, journal, base, home }: RoutesDeps,
  reports: Reports,
  withUpstreamSlot: WithUpstreamSlot,
): { flow: Flow; verifications: Verifications } {
  const { limits: limitSettings, fallbackChannels: fallbacks } = config;
  const { maxSteps } = config.verify;
  const [secret = ''] = config.sessionSecrets;
  const pace = createPace({ ...limitSettings, store, world });
  const limits = createLimits({ ...limitSettings, store, world, pace, secret });
  const vonage = createVonage(config.vonage, {
    ...{ redirectUri: `${base}/callback`, world },
    pause: (api, seconds) => pace.pause(api, seconds),
  });
  const verifications = createVerifications({
    ...{ verify: vonage.verify, store, limits, world, reports, ...config.verify },
    live: createLiveVerifications(store, config.sessionSecrets, world),
    redirectUrl: new URL(home, base).href,
  });
  const flow = createFlow({
    engine: ENGINES[config.silentAuth]({ vonage, verifications, fallbacks, maxSteps }),
    ...{ verifications, fallbacks, maxSteps, reports, limits, store, world, journal, withUpstreamSlot },
    tickets: createTickets(store, world),
    rules: createRules(hooks, world),
  });
  return { flow, verifications };
}
