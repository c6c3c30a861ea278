import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import helmet from 'helmet';
import { camaraRoutes } from './camara/routes.js';
import { recordAndRead, recordConversation, recordRequest } from './control/recorder.js';
import { controlRoutes } from './control/routes.js';
import { CONTROL_PATH, PATHS, SHARE_SCOPE, VERIFY_SCOPE } from './http/paths.js';
import { handleError, refusePath } from './http/problems.js';
import { numberVerificationRoutes } from './operator/number-verification.js';
import { operatorRoutes } from './operator/redirects.js';
import { simSwapRoutes } from './operator/sim-swap.js';
import { createState, type SandboxOptions, type SandboxState } from './state/state.js';
import { templateRoutes } from './templates/routes.js';
import { verifyRoutes } from './verify/routes.js';
import { silentAuthRoutes } from './verify/silent-auth.js';
import { expireAllSteps } from './verify/workflow.js';
import { networkEnablementRoutes } from './vonage/network-enablement.js';
import { oauthRoutes } from './vonage/oauth.js';

const TICK_INTERVAL_MS = 1_000;

const NONE = ["'none'"];
const SELF = ["'self'"];

const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: NONE,
    scriptSrc: SELF,
    styleSrc: SELF,
    imgSrc: SELF,
    connectSrc: SELF,
    formAction: NONE,
    baseUri: NONE,
    frameAncestors: NONE,
  },
};

/** A file of the package, whether this code runs in `src` or in `dist`. */
const packagedFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const pageRoutes = (): Router => {
  const folder = packagedFile('src/sandbox/public');
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/', (_req, res) => res.sendFile(`${folder}/index.html`, { cacheControl: false }));
  const base = packagedFile('public/base.css');
  router.get('/page/base.css', (_req, res) => res.sendFile(base, { cacheControl: false }));
  router.use('/page', express.static(folder, { index: false, redirect: false, cacheControl: false }));
  return router;
};

const apiRoutes = (state: SandboxState): Router => {
  const router = Router({ caseSensitive: true, strict: true });
  // Before `verifyRoutes`, whose `:id` would match `templates`.
  templateRoutes(state, router);
  networkEnablementRoutes(state, router);
  oauthRoutes(state, router);
  verifyRoutes(state, router);
  silentAuthRoutes(state, router);
  operatorRoutes(state, router);
  numberVerificationRoutes(state, router, {
    version: '0.3',
    tokens: state.tokens,
    root: PATHS.numberVerification,
    verifyScopes: [VERIFY_SCOPE],
    shareScopes: [SHARE_SCOPE],
  });
  camaraRoutes(state, router);
  simSwapRoutes(state, router);
  return router;
};

export const createSandbox = (options: SandboxOptions) => {
  const state = createState(options);
  const app = express().disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.use(helmet({ contentSecurityPolicy }));
  app.use(pageRoutes());
  app.use(state.faults.dropUnread((req, res) => recordRequest(state, req, res)));
  app.use(recordAndRead(state));
  app.use(CONTROL_PATH, controlRoutes(state));
  app.use(recordConversation(state));
  app.use(state.faults.answer());
  app.use(apiRoutes(state));
  app.use(refusePath);
  app.use(handleError(options.world.log));
  /** Expires the Verify steps whose time is over. */
  const tick = (): void => expireAllSteps(state);
  /** Ticks every second. Returns a function that stops it. */
  const startTicking = (): (() => void) => {
    const timer = setInterval(tick, TICK_INTERVAL_MS).unref();
    return () => clearInterval(timer);
  };
  return { app, state, tick, startTicking };
};
