import { createPublicKey } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { RedisStore } from 'connect-redis';
import express, { type Express, type RequestHandler } from 'express';
import session from 'express-session';
import { Redis } from 'ioredis';
import supertest from 'supertest';
import { createSilentAuth, type SilentAuth, type SilentAuthOptions } from '../../src/index.js';
import { createSandbox } from '../../src/sandbox/app.js';
import { listen } from '../../src/http/server.js';
import { credentials } from './credentials.js';
import { walk, type Walk } from './device.js';
import { ALICE, redisUrlOfWorker, UNLIMITED, WEBHOOKS } from './system.js';
import { testWorld, type TestWorld } from './world.js';

/** An app with the routes mounted, and the sandbox, on real sockets. */
export interface Mounted {
  base: string;
  sandbox: string;
  redis: Redis;
  silentAuth: SilentAuth;
  world: TestWorld;
  agent(): ReturnType<typeof supertest.agent>;
  /** Begins a login at `/auth`, and opens its link. */
  walked(app: ReturnType<Mounted['agent']>, phoneNumber?: string): Promise<{ home: Walk; code: string }>;
  /** Logs in at `/auth`. */
  logIn(app: ReturnType<Mounted['agent']>, phoneNumber?: string): Promise<void>;
  delayVerify(ms: number): Promise<void>;
  asked(): Promise<string[]>;
}

/** The session of a typical app: express-session on its own Redis. */
export const sessionOn = (redis: Redis): RequestHandler =>
  session({
    store: new RedisStore({ client: redis }),
    secret: 'the secret of the app',
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: 'lax' },
  });

interface Options {
  options?: (redis: Redis) => SilentAuthOptions;
  env?: Record<string, string>;
  /** Adds middleware and routes to the app. */
  compose?: (app: Express, silentAuth: SilentAuth, redis: Redis) => void;
  /** The build of the routes, such as another release in a rolling upgrade. */
  build?: typeof createSilentAuth;
}

const composed = (app: Express, silentAuth: SilentAuth, redis: Redis): void =>
  void app.use(sessionOn(redis)).use('/auth', silentAuth);

export async function withMounted(
  { options = (redis) => ({ session: 'host', redis }), env = {}, compose = composed, build }: Options,
  work: (mounted: Mounted) => Promise<void>,
): Promise<void> {
  const world = testWorld();
  const handlers: { app?: RequestListener; sandbox?: RequestListener } = {};
  const server = await listen((req, res) => handlers.app?.(req, res), { port: 0, docsUrl: 'errors' });
  const sandboxServer = await listen((req, res) => handlers.sandbox?.(req, res), {
    port: 0,
    docsUrl: 'errors',
  });
  const [base, sandbox] = [`http://localhost:${server.port}`, `http://localhost:${sandboxServer.port}`];
  const { applicationId, privateKeyPem, sessionSecret } = credentials;
  const redis = new Redis(redisUrlOfWorker());
  await redis.flushdb();
  const settings = {
    PUBLIC_URL: base,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: sandbox,
    AUTH_URL_HOSTS: new URL(sandbox).host,
    BRAND: 'Sandbox',
    ...{ ...WEBHOOKS, ...UNLIMITED, ...env },
  };
  const silentAuth = (build ?? createSilentAuth)({ env: settings, log: world.log, ...options(redis) });
  const app = express();
  compose(app, silentAuth, redis);
  handlers.app = app as RequestListener;
  handlers.sandbox = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${base}/auth/callback`,
    publicUrl: () => sandbox,
    world,
  }).app as RequestListener;

  const mounted: Mounted = {
    ...{ base, sandbox, redis, silentAuth, world },
    agent: () => supertest.agent(base),
    async walked(agent, phoneNumber = ALICE) {
      const begun = await agent.post('/auth/login').send({ phone_number: phoneNumber }).expect(201);
      const home = await walk(String(begun.body.auth_url));
      return { home, code: String(home.json?.['code']) };
    },
    async logIn(agent, phoneNumber) {
      const { code } = await mounted.walked(agent, phoneNumber);
      await agent.post('/auth/verify').send({ code }).expect(200);
    },
    async delayVerify(ms) {
      const body = JSON.stringify({ verify: { delay_ms: ms } });
      const headers = { 'content-type': 'application/json' };
      await fetch(`${sandbox}/__sandbox/faults`, { method: 'PUT', headers, body });
    },
    asked: async () =>
      ((await (await fetch(`${sandbox}/__sandbox/requests`)).json()) as { path: string }[]).map(
        ({ path }) => path,
      ),
  };
  try {
    await work(mounted);
  } finally {
    await Promise.all([server.drain(0), sandboxServer.drain(0)]);
    await silentAuth.close();
    redis.disconnect();
  }
}
