import express, { type Express } from 'express';
import type { Config } from './config.js';
import { callbackRoutes } from './login/callback.js';
import { createLimits } from './limits/counted.js';
import { createPace } from './limits/pace.js';
import { ENGINES } from './login/engines/engines.js';
import { createFlow } from './login/flow.js';
import { createRules, type Hooks } from './login/hooks.js';
import { loginRoutes } from './login/routes.js';
import { createOtp } from './login/otp.js';
import { createReports } from './login/reports.js';
import { createTickets } from './login/tickets.js';
import { webhookRoutes } from './login/webhooks.js';
import { createPseudonym } from './phone.js';
import { sessionRoutes } from './session/routes.js';
import { createSessions } from './session/session.js';
import type { Store } from './store/store.js';
import { createVonage } from './vonage/vonage.js';
import { createWebhookReader } from './vonage/webhook.js';
import { jsonBody } from './web/body.js';
import { documents } from './web/documents.js';
import { healthRoutes } from './web/health.js';
import { crossOrigin, refuseStrangers } from './web/origin.js';
import { refuseAmbiguous } from './web/plain.js';
import { notFound, problemHandler } from './web/problem.js';
import { requestId, securityHeaders } from './web/shield.js';
import { staticFiles } from './web/static.js';
import { clockIn } from './web/timing.js';
import type { World } from './world.js';

export interface AppDeps {
  config: Config;
  store: Store;
  world: World;
  /** The folder of the package: its page and what the page is made with are served from there. */
  root: string;
  /** The operator's own rules. */
  hooks?: Hooks;
}

/** The whole server but its socket. */
export function createApp({ config, store, world, root, hooks = {} }: AppDeps): Express {
  const https = config.publicUrl.startsWith('https:');
  const pace = createPace({ store, world, perSecond: config.limits.upstreamPerSecond });
  const vonage = createVonage(config, world, (api, seconds) => pace.pause(api, seconds));
  const otp = createOtp({ verify: vonage.otp, world, ...config.verify, redirectUrl: `${config.publicUrl}/` });
  const secrets = config.sessionSecrets;
  const reports = createReports(store, secrets, world);
  const flow = createFlow({
    engine: ENGINES[config.silentAuth]({ vonage, otp, fallbacks: config.fallbackChannels }),
    otp,
    fallbacks: config.fallbackChannels,
    tickets: createTickets(store, world),
    reports,
    rules: createRules(hooks, world),
    limits: createLimits({ ...config.limits, store, world, pace, secret: secrets[0] as string }),
    store,
    world,
    pseudonym: createPseudonym(secrets[0] as string),
  });
  const sessions = createSessions({ store, secrets, secureCookie: https, world });

  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  app.set('query parser', 'simple').set('trust proxy', config.trustProxy);
  // PUBLIC_URL says whether the client's connection is encrypted, not a header that anyone can send.
  Object.defineProperty(app.request, 'secure', { get: () => https });

  app.use(clockIn, requestId, securityHeaders(https), refuseAmbiguous);
  app.use(healthRoutes(store));
  app.use(callbackRoutes(flow, sessions, world.log));
  app.use(
    webhookRoutes(
      config.webhooks && createWebhookReader({ ...config.vonage, ...config.webhooks, world }),
      reports,
    ),
  );
  app.use(documents(root), staticFiles(root, config.helpUrl));
  app.use(refuseStrangers([config.publicUrl, ...config.allowedOrigins]));
  // Express would take an empty list in first place for a path.
  app.use(...crossOrigin(config.allowedOrigins), ...jsonBody());
  app.use(loginRoutes(flow, sessions, otp, config.allowedCountries));
  app.use(sessionRoutes(sessions, flow));
  app.use(notFound, problemHandler(`${config.publicUrl}/errors.md`, world.log));
  return app;
}
