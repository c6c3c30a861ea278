import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, type RequestListener } from 'node:http';
import { Cluster, type Redis } from 'ioredis';
import supertest from 'supertest';
import { createApp } from '../../src/routes.js';
import { readConfig, type Config } from '../../src/config/config.js';
import { RATES } from '../../src/config/limits.js';
import { createSandbox } from '../../src/sandbox/app.js';
import { resetState } from '../../src/sandbox/state/state.js';
import { createRecordingProxy } from '../../src/sandbox/conversation/recording-proxy.js';
import type { Hooks } from '../../src/login/hooks.js';
import { createMemoryStore } from '../../src/store/memory.js';
import { connectRedis, type Connection } from '../../src/store/connection.js';
import { OPTIONS } from '../../src/store/options.js';
import { createRedisStore } from '../../src/store/redis.js';
import type { Store } from '../../src/store/store.js';
import type { Meter, Span } from '../../src/core/world.js';
import { listen } from '../../src/http/server.js';
import { credentials } from './credentials.js';
import { walk, type Walk, type WalkOptions } from './device.js';
import { broken, hold, listenIn, type Exchange } from './exchange.js';
import { redisAt } from './redis-server.js';
import { testWorld, type TestWorld } from './world.js';

export const ALICE = '+447700900000';
export const BOB = '+447700900001';

/** The example of PKCE in RFC 7636 appendix B. */
export const CHALLENGE = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
};

export const postCode = (app: ReturnType<System['app']>, code: string) => app.post('/verify').send({ code });

/** Every answer is compared with openapi.yaml, and a violation fails its test. */
afterEach(() => {
  expect(broken.splice(0)).toEqual([]);
});

/** One call as the sandbox recorded it. */
export interface Recorded {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
  status: number;
}

export interface Message {
  to: string;
  channel: string;
  text: string;
  code: string;
  /** The time of arrival, in ISO 8601. */
  at: string;
}

/** The whole product on real sockets: server, store and sandbox. Only tests advance its clock. */
export interface System {
  base: string;
  sandbox: string;
  config: Config;
  world: TestWorld;
  redis: Redis;
  store: Store;
  /** An app: an HTTP client with its own cookies. */
  app(): ReturnType<typeof supertest.agent>;
  /** Sends all further requests to these of several servers in turn. */
  sendTo(...servers: number[]): void;
  /** The calls of the server to Vonage, in order. */
  upstream(): Promise<Recorded[]>;
  /** Changes the sandbox: `/__sandbox/<path>`. */
  control(path: string, body: object): Promise<void>;
  /** Begins a login, and opens its link with the SIM of that number. */
  walkedLogin(
    phoneNumber?: string,
    options?: WalkOptions,
  ): Promise<{ app: ReturnType<System['app']>; link: string; home: Walk; code: string }>;
  /**
   * Moves the login of `app` on, as apps do: while Vonage does not allow it yet, the clock is
   * turned by the seconds that the answer says. Expects 200.
   */
  next(app: ReturnType<System['app']>, channel?: string): Promise<supertest.Response>;
  /** The messages and calls to all phones, in order. */
  messages(): Promise<Message[]>;
  /** The webhooks that Vonage has sent, in order; `status` is null until one is answered. */
  webhooks(): Promise<{ status: number | null }[]>;
  /**
   * Whether commands of Redis have the timeouts of production. By default they have 20 seconds,
   * because Redis shares its processors with the tests.
   */
  useProductionTimeouts(use: boolean): void;
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs `work` with a product of its own, which is stopped in any case. */
export async function withSystem(
  options: SystemOptions,
  work: (system: System) => Promise<void>,
): Promise<void> {
  const system = await startSystem(options);
  try {
    await work(system);
  } finally {
    await system.stop();
  }
}

export interface SystemOptions {
  store?: 'redis' | 'memory';
  redisUrl?: string;
  /** Whether Redis is flushed first, which not every Redis user may do. */
  emptied?: boolean;
  env?: Record<string, string>;
  hooks?: Hooks;
  /** The metrics and traces of the server. */
  watchers?: { meter?: Meter; span?: Span };
  /** The folder of the package. Default: this one. */
  root?: string;
  /** Wraps the store of the server. */
  through?: (store: Store) => Store;
  /** Puts the recording proxy of the sandbox before the server, at `base`. */
  tapped?: boolean;
  /** Puts a server before the sandbox. Gets the URL of the sandbox, and returns its own. */
  between?: (sandbox: string) => string | Promise<string>;
  /** The world of the sandbox, if its clock differs from that of the server. */
  vonageWorld?: TestWorld;
  /** The redirect URI at Vonage, if it differs from that of the server. */
  registered?: string;
  /** The number of servers on one Redis behind `base`; requests go to each in turn. */
  servers?: number;
  /** The build of each server, such as another release in a rolling upgrade. */
  builds?: readonly (typeof createApp)[];
  /** Receives each exchange of the server. */
  heard?: (exchange: Exchange) => void;
}

/** The API key of the account, and the secret that signs its webhooks. */
export const WEBHOOKS = { VONAGE_API_KEY: 'abcd1234', VONAGE_SIGNATURE_SECRET: 'w'.repeat(40) };

/** Settings with fallback channels for every engine. */
export const WITH_CODES = { FALLBACK_CHANNELS: 'sms,voice', ...WEBHOOKS };

/** Settings with which one verification goes through the silent step, an SMS and a call. */
export const CHAINED = { ...WITH_CODES, SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' };

/** The settings for the CAMARA operator of a sandbox, which only `SILENT_AUTH=camara` reads. */
export const camaraAt = (sandbox: string) => ({
  CAMARA_ISSUER: `${sandbox}/camara-operator`,
  CAMARA_CLIENT_ID: 'silent-auth-sandbox',
  CAMARA_PRIVATE_KEY: credentials.privateKeyPem,
  CAMARA_SCOPE: 'openid dpv:FraudPreventionAndDetection number-verification:verify',
  CAMARA_API_ROOT: `${sandbox}/camara-operator/api`,
});

/** All test clients have one address on a busy machine, so only suites about limits set any. */
export const UNLIMITED = {
  RATE_LIMITS: Object.keys(RATES)
    .map((name) => `${name}=100000`)
    .join(),
  PAID_SENDS_PER_HOUR: '100000',
  UPSTREAM_PER_SECOND: '100000',
  MAX_UTILIZATION: '100',
};

/** Fewer than in production, where allocating them takes 14 ms. */
const MOST_ENTRIES = 1000;

/** Each worker of the test runner has its own database. */
export const redisUrlOfWorker = (): string =>
  `${process.env['TEST_REDIS_URL'] ?? ''}/${Number(process.env['JEST_WORKER_ID'] ?? 1) % 16}`;

const LONG_TIMEOUTS = { commandTimeout: 20_000, socketTimeout: 20_000 };
const { commandTimeout, socketTimeout } = OPTIONS;

function setTimeouts({ client }: Connection, timeouts: typeof LONG_TIMEOUTS): void {
  const isCluster = client instanceof Cluster;
  const nodes = isCluster ? client.nodes().map((node) => node.options) : [client.options];
  // For nodes that connect later.
  if (isCluster) nodes.push(client.options.redisOptions ?? {});
  for (const options of nodes) Object.assign(options, timeouts);
}

export async function startSystem({
  store: kind = 'redis',
  redisUrl = redisUrlOfWorker(),
  emptied = true,
  env = {},
  hooks = {},
  watchers = {},
  root = resolve(__dirname, '../..'),
  through = (each) => each,
  tapped = false,
  between = (each) => each,
  vonageWorld,
  registered,
  builds,
  servers = builds?.length ?? 1,
  heard = () => undefined,
}: SystemOptions = {}): Promise<System> {
  const world = testWorld(watchers.meter, watchers.span);
  // The ports have to be known before the apps that use them are created.
  const handlers: { server?: RequestListener; sandbox?: RequestListener; tap?: RequestListener } = {};
  // On a busy machine, a client may use a connection at the moment at which its idle time ends.
  const options = { port: 0, docsUrl: 'errors', keepAliveSeconds: 600 };
  const server = await listen((req, res) => handlers.server?.(req, res), options);
  const sandboxServer = await listen((req, res) => handlers.sandbox?.(req, res), options);
  const front = tapped ? await listen((req, res) => handlers.tap?.(req, res), options) : server;
  const [base, sandbox] = [`http://localhost:${front.port}`, `http://localhost:${sandboxServer.port}`];

  const vonage = await between(sandbox);
  const config = readConfig({
    PUBLIC_URL: base,
    REDIS_URL: redisUrl,
    SESSION_SECRET: credentials.sessionSecret,
    VONAGE_APPLICATION_ID: credentials.applicationId,
    VONAGE_PRIVATE_KEY: credentials.privateKeyPem,
    VONAGE_BASE_URL: vonage,
    AUTH_URL_HOSTS: new URL(sandbox).host,
    ...camaraAt(vonage),
    LOG_LEVEL: 'debug',
    BRAND: 'Sandbox',
    FALLBACK_CHANNELS: 'none',
    ...UNLIMITED,
    // As in the demo.
    ...(tapped && { HELP_URL: sandbox }),
    ...env,
  });
  const settings = config.redis ?? redisAt(redisUrl);
  const connections = Array.from({ length: servers }, () => connectRedis(settings, world.log));
  await Promise.all(connections.map(({ ready }) => ready));
  const useProductionTimeouts = (use: boolean): void =>
    connections.forEach((each) => setTimeouts(each, use ? { commandTimeout, socketTimeout } : LONG_TIMEOUTS));
  useProductionTimeouts(false);
  const [{ client }] = connections as [Connection];
  const nodes = () => (client instanceof Cluster ? client.nodes('master') : [client]);
  const empty = () => Promise.all(nodes().map((node) => node.flushdb()));
  if (emptied) await empty();
  const stores = connections.map((each) =>
    through(kind === 'redis' ? createRedisStore(each) : createMemoryStore(world, MOST_ENTRIES)),
  );
  const [store] = stores as [Store];
  const apps = stores.map((each, at) => {
    const build = builds?.[at] ?? createApp;
    return build({ config, store: each, world, root, hooks }) as RequestListener;
  });
  let turn = 0;
  let sentTo = apps.map((_app, at) => at);
  handlers.server = (req, res) => {
    listenIn(req, res, (exchange) => {
      hold(exchange);
      heard(exchange);
    });
    apps[sentTo[turn++ % sentTo.length] ?? 0]?.(req, res);
  };
  const {
    app: sandboxApp,
    state,
    tick,
  } = createSandbox({
    applicationId: credentials.applicationId,
    publicKey: createPublicKey(credentials.privateKeyPem),
    redirectUri: registered ?? `${config.publicUrl}/callback`,
    // Metadata name the URL at which the server reaches the sandbox.
    publicUrl: () => (config.silentAuth === 'camara' ? vonage : sandbox),
    world: vonageWorld ?? world,
    ...(config.webhooks && {
      webhooks: {
        url: () => `${base}/webhooks/verify`,
        apiKey: config.webhooks.apiKey,
        signatureSecret: config.webhooks.signatureSecrets[0] ?? '',
      },
    }),
  });
  handlers.sandbox = sandboxApp as RequestListener;
  if (tapped) handlers.tap = createRecordingProxy(() => server.port, state.conversation);

  /**
   * What the sandbox lists, as its control API would send it. Calls under way are answered first,
   * except those that the sandbox delays.
   */
  const listed = async <T>(list: () => readonly object[]): Promise<T[]> => {
    tick();
    const isUnderWay = () => state.requests.all().some(({ status }) => status === null);
    for (let ms = 0; ms < 20 && isUnderWay(); ms++) await pause(1);
    return JSON.parse(JSON.stringify(list())) as T[];
  };

  // Opening a connection for each request would take a quarter of its processor time.
  const agent = new Agent({ keepAlive: true });
  const system: System = {
    base,
    sandbox,
    config,
    world,
    redis: client as Redis,
    store,
    app: () => supertest.agent(base).use((request: supertest.Test) => void request.agent(agent)),
    sendTo: (...some) => (sentTo = some),
    upstream: () => listed(() => state.requests.all().filter(({ from }) => from === 'server')),
    messages: () => listed(() => state.messages.all()),
    webhooks: () => listed(() => state.webhooks.sent.all()),
    useProductionTimeouts,
    async control(path, body) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${sandbox}/__sandbox/${path}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`the sandbox refused: ${await answer.text()}`);
    },
    async walkedLogin(phoneNumber = ALICE, options = {}) {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: phoneNumber }).expect(201);
      const { auth_url: link } = begun.body as { auth_url: string };
      const home = await walk(link, options);
      return { app, link, home, code: String(home.json?.['code']) };
    },
    async next(app, channel) {
      const ask = () => app.post('/login/next').send(channel === undefined ? {} : { channel });
      let answer = await ask();
      if (answer.status === 409 && answer.body.error === 'login_in_progress') {
        system.world.turn(Number(answer.body.retry_after));
        answer = await ask();
      }
      expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
      return answer;
    },
    async reset() {
      await empty();
      resetState(state);
    },
    async stop() {
      agent.destroy();
      await Promise.all([front.drain(0), server.drain(0), sandboxServer.drain(0)]);
      await Promise.all(connections.map(({ close }) => close()));
    },
  };
  return system;
}
