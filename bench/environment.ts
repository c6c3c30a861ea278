import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { RATES } from '../src/config/limits.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { freePort, startRedis } from '../test/support/redis-server.js';
import { listeningOn, startChild, startAnswering, startOwn, type Child } from './child.js';

/** A server that is measured beside others. */
export interface Contestant {
  name: string;
  base: string;
  child: Child;
  /** The Redis database of this server alone. */
  db: number;
}

export interface ServerOptions {
  name: string;
  /** The server's main.js; without it, the floor is started. */
  file?: string;
  nodeFlags?: string[];
  /** Environment variables that replace the defaults of the bench. */
  settings?: Record<string, string>;
}

/** Redis, the upstream and the load generator, and the servers that use them. */
export interface Environment {
  redis: Redis;
  upstream: Child;
  load: Child;
  open(server: ServerOptions): Promise<Contestant>;
  /** Starts another process of a server, with the same settings and database. */
  addProcess(contestant: Contestant, file: string): Promise<Contestant>;
  close(): Promise<void>;
}

/** Every limit is counted for every login, and none is reached. */
const LIMITS = {
  RATE_LIMITS: Object.keys(RATES)
    .map((name) => `${name}=100000000`)
    .join(),
  PAID_SENDS_PER_HOUR: '100000000',
  UPSTREAM_PER_SECOND: '100000000',
  MAX_UTILIZATION: '100',
};

const { applicationId, privateKeyPem, sessionSecret } = newCredentials();

/**
 * Settings as in production, without `NODE_ENV=production`, which requires an upstream with TLS.
 */
export function settingsOf(addresses: {
  port: number;
  redisUrl: string;
  upstream: string;
}): Record<string, string> {
  return {
    NODE_OPTIONS: nodeOptionsOfImage(),
    PORT: `${addresses.port}`,
    PUBLIC_URL: 'https://login.example.com',
    REDIS_URL: addresses.redisUrl,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: addresses.upstream,
    AUTH_URL_HOSTS: 'operator.example.com',
    BRAND: 'ACME',
    ...LIMITS,
  };
}

/** The `NODE_OPTIONS` of the image, with which the bench starts every contestant. */
function nodeOptionsOfImage(): string {
  const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
  return /^ENV NODE_OPTIONS="(.*)"$/m.exec(dockerfile)?.[1] ?? '';
}

export async function startEnvironment(): Promise<Environment> {
  const redisServer = await startRedis();
  const redis = new Redis(redisServer.url);
  const [upstream, load] = await Promise.all([startAnswering('upstream'), startAnswering('load')]);
  const vonage = `http://127.0.0.1:${await upstream.ask<number>('port')}`;
  const opened: Child[] = [];
  const envOf = new Map<Contestant, Record<string, string>>();
  return {
    redis,
    upstream,
    load,
    async open({ name, file, nodeFlags, settings }) {
      const [db, port] = [opened.length, await freePort()];
      const addresses = { port, redisUrl: `${redisServer.url}/${db}`, upstream: vonage };
      const env = { ...settingsOf(addresses), ...settings };
      const child = file === undefined ? startOwn('floor', env) : startChild(file, env, nodeFlags);
      opened.push(child);
      await listeningOn(port);
      const contestant = { name, base: `http://127.0.0.1:${port}`, child, db };
      envOf.set(contestant, env);
      return contestant;
    },
    async addProcess(contestant, file) {
      const port = await freePort();
      const child = startChild(file, { ...envOf.get(contestant), PORT: `${port}` });
      opened.push(child);
      await listeningOn(port);
      return { ...contestant, base: `http://127.0.0.1:${port}`, child };
    },
    async close() {
      redis.disconnect();
      await Promise.all([...opened, upstream, load].map((child) => child.stop()));
      await redisServer.stop();
    },
  };
}
