import { Redis } from 'ioredis';
import { RATES } from '../src/config/limits.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { freePort, startRedis } from '../test/support/redis-server.js';
import { listeningOn, startChild, startAnswering, startOwn, type Child } from './child.js';

/** One of those that are measured beside each other. */
export interface Contestant {
  name: string;
  base: string;
  child: Child;
  /** The database of Redis that only this one uses. */
  db: number;
}

/** The processes around the contestants, each of its own. */
export interface Stage {
  redis: Redis;
  upstream: Child;
  load: Child;
  /** @param file the server's main.js; the floor without it. @param others settings that are not those of the stage */
  open(
    name: string,
    file?: string,
    nodeFlags?: string[],
    others?: Record<string, string>,
  ): Promise<Contestant>;
  /** Starts another process of a server: the same settings, the same database. */
  double(contestant: Contestant, file: string): Promise<Contestant>;
  close(): Promise<void>;
}

/** Every limit is counted for every login, and none of them is reached. */
const LIMITS = {
  RATE_LIMITS: Object.keys(RATES)
    .map((name) => `${name}=100000000`)
    .join(),
  PAID_SENDS_PER_HOUR: '100000000',
  UPSTREAM_PER_SECOND: '100000000',
  MAX_UTILIZATION: '100',
};

/** Settings of a server as in production, but for `NODE_ENV`, which would want TLS on the way to the upstream. */
export function settings(place: {
  port: number;
  redisUrl: string;
  upstream: string;
}): Record<string, string> {
  const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
  return {
    PORT: `${place.port}`,
    PUBLIC_URL: 'https://login.example.com',
    REDIS_URL: place.redisUrl,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: place.upstream,
    AUTH_URL_HOSTS: 'operator.example.com',
    BRAND: 'ACME',
    ...LIMITS,
  };
}

export async function openStage(): Promise<Stage> {
  const redisServer = await startRedis();
  const redis = new Redis(redisServer.url);
  const [upstream, load] = await Promise.all([startAnswering('upstream'), startAnswering('load')]);
  const vonage = `http://127.0.0.1:${await upstream.ask<number>('port')}`;
  const opened: Child[] = [];
  const settingsOf = new Map<Contestant, Record<string, string>>();
  return {
    redis,
    upstream,
    load,
    async open(name, file, nodeFlags, others) {
      const [db, port] = [opened.length, await freePort()];
      const place = { port, redisUrl: `${redisServer.url}/${db}`, upstream: vonage };
      const env = { ...settings(place), ...others };
      const child = file === undefined ? startOwn('floor', env) : startChild(file, env, nodeFlags);
      opened.push(child);
      await listeningOn(port);
      const contestant = { name, base: `http://127.0.0.1:${port}`, child, db };
      settingsOf.set(contestant, env);
      return contestant;
    },
    async double(contestant, file) {
      const port = await freePort();
      const child = startChild(file, { ...settingsOf.get(contestant), PORT: `${port}` });
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
