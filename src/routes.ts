import { parse } from 'node:querystring';
import express, { Router, type Express, type RequestHandler } from 'express';
import { createCamara } from './camara/camara.js';
import type { Config } from './config/config.js';
import type { World } from './core/world.js';
import { readClientAddresses } from './http/caller.js';
import { contract, errorsPage, healthRoutes, logo, staticFiles } from './http/documents.js';
import { jsonBody } from './http/json.js';
import { loginPage } from './http/login-page.js';
import { createOverload } from './http/overload.js';
import { notFound, problemHandler } from './http/problems.js';
import { crossOrigin, refuseOtherOrigins, shield } from './http/protection.js';
import { MAX_CONNECTIONS } from './http/undici-adapter.js';
import { createLimits } from './limits/counters.js';
import { createPace } from './limits/pace.js';
import { createSimCheck } from './limits/sim-swap.js';
import { callbackRoutes } from './login/callback.js';
import type { LoginContext } from './login/context.js';
import { ENGINES } from './login/engines.js';
import { createFlow } from './login/flow.js';
import { createNotify, createRules, type Hooks } from './login/hooks.js';
import { createReports } from './login/progress.js';
import { createLiveVerifications } from './login/live-verifications.js';
import { loginRoutes, webhookRoutes, type Sessions } from './login/routes.js';
import { createTickets } from './login/tickets.js';
import { createVerifications } from './login/verification.js';
import { createJournal } from './observability/journal.js';
import { assertionRoutes, createAssertions, keyRoutes } from './session/assertion.js';
import { createCookieSessions } from './session/cookie.js';
import { operatorRoutes } from './session/operator.js';
import { sessionRoutes } from './session/routes.js';
import { createUserSessions } from './session/user-sessions.js';
import type { Store } from './store/store.js';
import { createVonage } from './vonage/vonage.js';
import { createWebhookReader } from './vonage/webhook.js';

/** An Express app with strict paths. `PUBLIC_URL`, not a header, says whether clients use https. */
export function bareApp({ publicUrl }: { publicUrl: string }): Express {
  const https = publicUrl.startsWith('https:');
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  // By default, Node ignores parameters after the first thousand, and one may be a second `code`.
  app.set('query parser', (query: string) => parse(query, '&', '=', { maxKeys: 0 }));
  Object.defineProperty(app.request, 'secure', { get: () => https });
  return app;
}

export interface AppDeps {
  config: Config;
  store: Store;
  world: World;
  /** The folder of the package, whose pages are served. */
  root: string;
  hooks?: Hooks;
  /** Aborted when the server is to get no more requests. */
  stopping?: AbortSignal;
}

/** What the server, the routes for operators and those in a host app have in common. */
export function createCommon({ config, store, world }: Pick<AppDeps, 'config' | 'store' | 'world'>) {
  const { sessionSecrets: secrets, maxSessions, publicUrl } = config;
  const userSessions = createUserSessions({ store, secrets, world, maxSessions });
  const secureCookie = publicUrl.startsWith('https:');
  return {
    ...{ config, store, world, userSessions },
    journal: createJournal(world, secrets[0] ?? ''),
    /** For the sessions of requests, whatever carries them. */
    sessionDeps: { store, secrets, world, registry: userSessions, secureCookie },
  };
}

/** The standalone server without its socket: the routes, the pages and the health checks. */
export function createApp({ config, store, world, root, hooks = {}, stopping }: AppDeps): Express {
  const https = config.publicUrl.startsWith('https:');
  const common = createCommon({ config, store, world });
  const sessions = createCookieSessions(common.sessionDeps);
  const app = bareApp(config);
  app.set('trust proxy', config.trustProxy);
  readClientAddresses(app, world);

  app.use(shield({ hsts: https, logoUrl: config.page.logoUrl }));
  const place = { root, base: config.publicUrl, home: '/', hasPage: true };
  app.use(createRoutes({ ...common, hooks, sessions, ...place }));
  app.use(healthRoutes(store, stopping), contract(root, config.publicUrl), logo(config.page));
  const page = { ...config.page, silent: config.silentAuth !== 'off', secure: https };
  app.use(loginPage(root, page), staticFiles(root));
  app.use(notFound, problemHandler({ page: config.page, ...place, failed: common.journal.failed }));
  return app;
}

/** The routes for operators, on the port of the metrics; undefined without `OPERATOR_KEY`. */
export function createOperatorApp(deps: Omit<AppDeps, 'root' | 'stopping'>): Express | undefined {
  const { config, world, hooks = {} } = deps;
  const { operatorKey: key } = config;
  if (key === undefined) return undefined;
  const { userSessions, journal } = createCommon(deps);
  const app = bareApp(config);
  app.use(shield({ hsts: false }));
  operatorRoutes(app, { key, userSessions, journal, notify: createNotify(hooks, world) });
  const place = { base: config.publicUrl, home: '/', hasPage: false };
  app.use(notFound, problemHandler({ page: config.page, ...place, failed: journal.failed }));
  return app;
}

export interface RoutesDeps extends ReturnType<typeof createCommon> {
  hooks: Hooks;
  sessions: Sessions;
  root: string;
  /** `PUBLIC_URL` and the path that the routes are mounted at. */
  base: string;
  /** Where `/callback` sends a browser, as its `Location`. */
  home: string;
  /** Whether `public/` is served beside the routes, whose pages then use its style. */
  hasPage: boolean;
}

const OUR_PATHS =
  /^\/(?:login(?:\/next)?|callback|verify|session(?:\/assertion)?|sessions(?:\/[^/]+)?|logout|webhooks\/verify|\.well-known\/jwks\.json|errors\.md)$/;

/** Leaves any other path to the app around. */
export const onlyOurPaths: RequestHandler = (req, _res, next) =>
  next(OUR_PATHS.test(req.path) ? undefined : 'router');

export function createRoutes(deps: RoutesDeps): Router {
  const { config, store, world, sessions, userSessions, journal } = deps;
  const rules = createRules(deps.hooks, world);
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
  const { flow, verifications } = createLoginFlow(deps, { reports, rules, withUpstreamSlot });

  const router = Router({ caseSensitive: true, strict: true });
  router.use(onlyOurPaths, watch);
  callbackRoutes(router, { flow, sessions, home: deps.home, failed: journal.failed });
  webhookRoutes(router, { reader, reports, journal });
  errorsPage(router, deps.root, deps.hasPage);
  const keys = [...(config.assertions?.keys ?? []), ...(config.camara?.keys ?? [])];
  if (keys.length > 0) keyRoutes(router, keys, !deps.hasPage);
  router.use(refuseOtherOrigins([config.publicUrl, ...config.allowedOrigins]));
  router.use(...crossOrigin(config.allowedOrigins), jsonBody());
  loginRoutes(router, { flow, sessions, verifications, countries: config.allowedCountries, admit });
  sessionRoutes(router, { sessions, userSessions, flow, journal, notify: rules.notify });
  if (assertions) assertionRoutes(router, assertions, sessions);
  return router;
}

function createLoginFlow(
  { config, store, world, journal, base, home }: RoutesDeps,
  { reports, rules, withUpstreamSlot }: Pick<LoginContext, 'reports' | 'rules' | 'withUpstreamSlot'>,
) {
  const { limits: limitSettings, fallbackChannels: fallbacks } = config;
  const { maxSteps } = config.verify;
  const [secret = ''] = config.sessionSecrets;
  const pace = createPace({ ...limitSettings, store, world });
  const limits = createLimits({ ...limitSettings, store, world, pace, secret });
  const upstream = {
    ...{ redirectUri: `${base}/callback`, world, proxy: config.vonage.proxy },
    pause: (api: string, seconds: number) => pace.pause(api, seconds),
  };
  const vonage = createVonage({ ...config.vonage, verify: config.verify }, upstream);
  const camara = config.camara && createCamara(config.camara, upstream);
  const verifications = createVerifications({
    ...{ verify: vonage.verify, store, limits, world, reports, ...config.verify },
    live: createLiveVerifications(store, config.sessionSecrets, world),
    redirectUrl: new URL(home, base).href,
  });
  const { hours = 0 } = config.simSwap ?? {};
  const simSwapApi = camara
    ? ({ apis: ['sim-swap', 'camara'], ask: camara.askSimSwap(hours) } as const)
    : ({ apis: ['identity-insights'], ask: vonage.askSimSwap(hours) } as const);
  const flow = createFlow({
    engine: ENGINES[config.silentAuth]({ vonage, camara, verifications, fallbacks, maxSteps }),
    ...{ verifications, fallbacks, maxSteps, reports, limits, store, world, journal, withUpstreamSlot },
    ...{ rules, tickets: createTickets(store, world) },
    checkSim: config.simSwap && createSimCheck({ settings: config.simSwap, limits, world, ...simSwapApi }),
  });
  return { flow, verifications };
}
