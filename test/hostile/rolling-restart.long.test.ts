import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import { built } from '../support/built.js';
import { walk } from '../support/device.js';
import { eachProxy } from '../support/installed-proxies.js';
import { credentials, endPrograms, LISTENING, node, SANDBOX, type Program } from '../support/programs.js';
import { freePort } from '../support/redis-server.js';
import { ALICE, redisUrlOfWorker, UNLIMITED } from '../support/system.js';
import { until } from '../support/until.js';

const LOGINS_PER_SECOND = 20;

/** A login that is under way, or its end. */
interface Attempt {
  endedAt?: number;
  failure?: string;
  isLoggedIn: boolean;
  beganAt: number;
}

/**
 * Logs in. An answer of the server itself is no failure of the proxy: on a busy machine the server
 * may refuse a request because Redis or the sandbox is slow.
 * @throws Error if a request reached no server
 */
async function logIn(base: string): Promise<boolean> {
  const app = supertest.agent(base);
  const begun = await app.post('/login').send({ phone_number: ALICE });
  expectServer(begun);
  if (typeof begun.body.auth_url !== 'string') return false;
  const home = await walk(begun.body.auth_url);
  expectServer({ status: home.status, headers: home.headers });
  const verified = await app.post('/verify').send({ code: home.json?.['code'] ?? '' });
  expectServer(verified);
  return verified.status === 200;
}

function expectServer({ status, headers }: { status: number; headers: Record<string, string> }): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (!names.includes('x-request-id')) throw new Error(`the proxy answered ${status} by itself`);
}

/** Begins logins at a steady rate until it is stopped. */
function startLogins(base: string) {
  const attempts: Attempt[] = [];
  const timer = setInterval(() => {
    const attempt: Attempt = { isLoggedIn: false, beganAt: performance.now() };
    attempts.push(attempt);
    void logIn(base)
      .then((isLoggedIn) => (attempt.isLoggedIn = isLoggedIn))
      .catch((error: unknown) => (attempt.failure = String(error)))
      .finally(() => (attempt.endedAt = performance.now()));
  }, 1000 / LOGINS_PER_SECOND);
  return {
    attempts,
    stop: async () => {
      clearInterval(timer);
      await until(() => Promise.resolve(attempts.every(({ endedAt }) => endedAt !== undefined)));
      return attempts;
    },
  };
}

eachProxy('two servers behind %s, as deploy/proxies has it,', (_name, proxy) => {
  const folder = mkdtempSync(join(tmpdir(), 'rolling-'));
  let base: string;
  let child: ChildProcess | undefined;
  let upstreams: [number, number];
  let env: Record<string, string>;
  const servers: Program[] = [];

  const start = async (at: 0 | 1): Promise<void> => {
    const server = node(built('main.js'), { ...env, PORT: `${upstreams[at]}` });
    servers[at] = server;
    await server.said(LISTENING);
  };
  const end = async (at: 0 | 1, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    servers[at]?.child.kill(signal);
    await servers[at]?.ended;
  };

  beforeAll(async () => {
    const [port, sandboxPort] = [await freePort(), await freePort()];
    upstreams = [await freePort(), await freePort()];
    base = `http://localhost:${port}`;
    env = {
      ...credentials(),
      ...UNLIMITED,
      ...{ SANDBOX_PORT: `${sandboxPort}`, PUBLIC_URL: base, TRUST_PROXY: '1', DRAIN_SECONDS: '1' },
      ...{ REDIS_URL: redisUrlOfWorker(), VONAGE_BASE_URL: `http://localhost:${sandboxPort}` },
      HOME: folder,
    };
    await node(built('sandbox/main.js'), env).said(SANDBOX);
    await Promise.all([start(0), start(1)]);
    child = spawn(proxy.program, proxy.start({ folder, port, upstreams }), {
      env: { PATH: process.env['PATH'], HOME: folder },
      stdio: 'ignore',
    });
    await until(() => logIn(base).catch(() => false));
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    if (child) await once(child, 'close');
    await endPrograms();
    rmSync(folder, { recursive: true });
  });

  test('lose no login when one is restarted after the other', async () => {
    const { stop } = startLogins(base);
    for (const at of [0, 1] as const) {
      await end(at, 'SIGTERM');
      await start(at);
      await pause(2000);
    }
    const attempts = await stop();
    expect(attempts.filter(({ isLoggedIn }) => isLoggedIn).length).toBeGreaterThan(10);
    expect(attempts.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  });

  test('lose only logins that were under way when one is killed', async () => {
    const { stop } = startLogins(base);
    const deaths: number[] = [];
    for (const at of [0, 1] as const) {
      await pause(500);
      await end(at, 'SIGKILL');
      deaths.push(performance.now());
      await pause(500);
      await start(at);
      await pause(2000);
    }
    const attempts = await stop();
    expect(attempts.filter(({ isLoggedIn }) => isLoggedIn).length).toBeGreaterThan(10);
    // The health checks of the proxy find the death within half a second.
    const wasUnderWay = ({ beganAt, endedAt = Infinity }: Attempt): boolean =>
      deaths.some((death) => beganAt < death + 500 && death - 500 < endedAt);
    const lost = attempts.filter((each) => !wasUnderWay(each)).flatMap(({ failure }) => failure ?? []);
    expect(lost).toEqual([]);
  });
});
