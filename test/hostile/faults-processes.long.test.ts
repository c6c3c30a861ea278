import supertest from 'supertest';
import { built } from '../support/built.js';
import { walk } from '../support/device.js';
import { UNLIMITED, type Message, type Recorded } from '../support/system.js';
import { credentials, endPrograms, LISTENING, node, places, SANDBOX, type Env } from '../support/programs.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

jest.setTimeout(60_000);

let redis: RedisServer;
beforeEach(async () => void (redis = await startRedis()));
afterEach(async () => {
  await endPrograms();
  await redis.stop();
});

async function startServer(env: Env) {
  const server = node(built('main.js'), env);
  await server.said(LISTENING);
  return server;
}

/** A server and a sandbox, each in a process of its own, on a Redis of their own. */
async function start() {
  const { base, sandbox, env: where } = await places();
  const env = { ...where, ...credentials(), REDIS_URL: redis.url, FALLBACK_CHANNELS: 'none', ...UNLIMITED };
  const [server] = await Promise.all([startServer(env), node(built('sandbox/main.js'), env).said(SANDBOX)]);
  const list = async <T>(what: string) => (await (await fetch(`${sandbox}/__sandbox/${what}`)).json()) as T[];
  return {
    base,
    env,
    server,
    vonage: { upstream: () => list<Recorded>('requests'), messages: () => list<Message>('messages') },
  };
}

/** Repeats a request until it is answered: apps retry when a connection is refused or breaks. */
async function retry<T extends { status: number }>(step: () => PromiseLike<T>): Promise<T> {
  let answer: T | undefined;
  await until(async () => {
    answer = await step().then(
      (each) => each,
      () => undefined,
    );
    return answer !== undefined && answer.status > 0;
  }, 30);
  return answer as T;
}

/** Logs a number in, and begins again if a step fails. @returns how often the login was begun */
async function logIn(base: string, phoneNumber: string): Promise<number> {
  for (let begun = 1; ; begun++) {
    const app = supertest.agent(base);
    const login = await retry(() => app.post('/login').send({ phone_number: phoneNumber }));
    expect(login.status).toBe(201);
    const { hops } = await walk(String(login.body.auth_url), { stopBefore: base });
    const home = await retry(() => walk(hops.at(-1) ?? ''));
    if (home.status !== 200) continue;
    const verified = await retry(() => app.post('/verify').send({ code: home.json?.['code'] }));
    if (verified.status !== 200) continue;
    const session = await retry(() => app.get('/session'));
    expect(session.body).toMatchObject({ authenticated: true, phone_number: phoneNumber });
    return begun;
  }
}

const LOGINS = 200;
const AT_ONCE = 16;

/** Runs {@link LOGINS} logins, {@link AT_ONCE} at a time. @param midway is called after a third */
async function logManyIn(base: string, midway: () => Promise<void>): Promise<number[]> {
  const numbers = Array.from({ length: LOGINS }, (_, at) => `+44770090${1000 + at}`);
  const begun: number[] = [];
  let interruption = Promise.resolve();
  const work = async () => {
    for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
      begun.push(await logIn(base, number));
      if (begun.length === Math.round(LOGINS / 3)) interruption = midway();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await interruption;
  return begun;
}

const countOf = (calls: Recorded[], path: string) => calls.filter((call) => call.path === path).length;
const STEPS = ['/v0.1/network-enablement', '/oauth2/token', '/camara/number-verification/v031/verify'];

test(`a server that is stopped (SIGTERM) during ${LOGINS} logins completes its requests, and the next server continues the logins`, async () => {
  const { base, env, server, vonage } = await start();
  const begun = await logManyIn(base, async () => {
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    await startServer(env);
  });
  // No login was begun again, and none needed a further call: no request was cut off.
  expect(begun).toEqual(Array<number>(LOGINS).fill(1));
  const calls = await vonage.upstream();
  expect(STEPS.map((path) => countOf(calls, path))).toEqual([LOGINS, LOGINS, LOGINS]);
  await expectSingleUse(vonage);
  addToSummary({ 'faults tried': 1, 'faults survived': 1 });
});

test(`a server that is killed (SIGKILL) during ${LOGINS} logins loses only the requests under way`, async () => {
  const { base, env, server, vonage } = await start();
  const begun = await logManyIn(base, async () => {
    server.child.kill('SIGKILL');
    await server.ended;
    await startServer(env);
  });
  expect(begun).toHaveLength(LOGINS);
  const again = begun.reduce((sum, each) => sum + each - 1, 0);
  expect(again).toBeLessThanOrEqual(AT_ONCE);
  await expectSingleUse(vonage);
  addToSummary({ 'faults tried': 1, 'faults survived': 1 });
});

test('a server that starts while Redis is frozen serves once Redis runs, recovers from a restart of Redis, and stops cleanly without it', async () => {
  redis.freeze();
  const { base, server } = await start();
  const ready = async () => (await fetch(`${base}/readyz`)).status;
  expect(await ready()).toBe(503);
  redis.thaw();
  await until(async () => (await ready()) === 200);
  await logIn(base, '+447700900000');
  await redis.stop();
  await until(async () => (await ready()) === 503);
  redis = await startRedis(Number(new URL(redis.url).port));
  await until(async () => (await ready()) === 200);
  await logIn(base, '+447700900000');
  redis.freeze();
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
  addToSummary({ 'faults tried': 3, 'faults survived': 3 });
});
