import { Router, type RequestHandler } from 'express';
import { createAssertions } from './assertion/assertion.js';
import { assertionRoutes, keyRoutes } from './assertion/routes.js';
import type { Config } from './config.js';
import { createLimits } from './limits/counted.js';
import { createPace } from './limits/pace.js';
import { callbackRoutes } from './login/callback.js';
import { ENGINES } from './login/engines/engines.js';
import { createFlow, type Flow } from './login/flow.js';
import { createRules, type Hooks } from './login/hooks.js';
import type { Journal } from './login/journal.js';
import { createOtp, type Otp } from './login/otp.js';
import { createPseudonym } from './login/pseudonym.js';
import { createReports } from './login/reports.js';
import { loginRoutes } from './login/routes.js';
import { createTickets } from './login/tickets.js';
import { webhookRoutes } from './login/webhooks.js';
import { sessionRoutes } from './session/routes.js';
import type { Sessions } from './session/login-session.js';
import type { Store } from './store/store.js';
import { MAX_CONNECTIONS } from './vonage/carrier.js';
import { createVonage } from './vonage/vonage.js';
import { createWebhookReader } from './vonage/webhook.js';
import { jsonBody } from './web/body.js';
import { crossOrigin, refuseStrangers } from './web/origin.js';
import { errorsPage } from './web/documents.js';
import { createOverload, type Place } from './web/overload.js';
import type { World } from './world.js';

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
