import { Redis } from 'ioredis';
import supertest, { type Response } from 'supertest';
import { built } from '../support/built.js';
import { ASSERTIONS } from '../support/assertions.js';
import { credentials } from '../support/credentials.js';
import { walk } from '../support/device.js';
import { redisUrlOfWorker, type Message, type Recorded } from '../support/system.js';
import { freePort } from '../support/redis-server.js';
import { startOwnProcess, type OwnProcess } from './own-process.js';

const NUMBERS = ['00000', '00001', '00101', '00102', '00103', '00104', '00106', '00107', '00108'].map(
  (end) => `+4477009${end}`,
);

/** Fields that an answer may contain although they are secret or personal. */
const ALLOWED: Record<string, readonly string[]> = {
  'POST /login': ['auth_url'],
  'GET /login': ['auth_url'],
  'POST /login/next': [],
  'GET /callback': ['code'],
  'POST /verify': ['phone_number'],
  'GET /session': ['phone_number'],
  'POST /session/assertion': ['assertion'],
};

let server: OwnProcess;
let redis: Redis;
const answers: string[] = [];
const dumps: string[] = [];
const secrets = new Set<string>();
/** Ids may stand in Redis keys, because a cookie without its signature is refused. */
const sessionIds = new Set<string>();
beforeAll(async () => {
  redis = new Redis(redisUrlOfWorker());
  await redis.flushdb();
});
afterAll(() => redis.disconnect());

/** Records an answer without the fields of {@link ALLOWED}. */
function keep(route: string, body: unknown, headers: Record<string, unknown>): void {
  const rest = { ...(typeof body === 'object' ? body : { body }) } as Record<string, unknown>;
  for (const field of ALLOWED[route] ?? []) Reflect.deleteProperty(rest, field);
  const { 'set-cookie': cookie, ...others } = headers;
  for (const each of [cookie ?? []].flat() as string[]) {
    const value = decodeURIComponent(each.split(/[=;]/)[1] ?? '');
    const [id = '', signature = ''] = value.replace(/^s:/, '').split('.');
    sessionIds.add(id);
    secrets.add(value).add(signature);
  }
  answers.push(JSON.stringify([route, rest, others]));
}

/** Records all keys and values of Redis, also decoded from base64. */
async function dump(): Promise<void> {
  const keys = await redis.keys('*');
  // -1: without expiry; -2: expired since `KEYS`.
  expect(await Promise.all(keys.map((key) => redis.ttl(key)))).not.toContain(-1);
  const values = await Promise.all(
    keys.map(async (key) =>
      (await redis.type(key)) === 'string' ? redis.getBuffer(key) : redis.dumpBuffer(key),
    ),
  );
  const text = [...keys, ...values.map((value) => value?.toString('latin1') ?? '')].join('\n');
  dumps.push(text + Buffer.from(text, 'base64').toString('latin1'));
}

/** An app whose answers are recorded. */
function openApp() {
  const agent = supertest.agent(server.base);
  const ask = async (method: 'get' | 'post' | 'delete', path: string, body?: object): Promise<Response> => {
    const answer = await agent[method](path).send(body);
    keep(`${method.toUpperCase()} ${path}`, answer.body, answer.headers);
    return answer;
  };
  return { ask, verify: (code: string) => ask('post', '/verify', { code }) };
}

/** Uses every route with one number: a silent login, SMS and voice, with wrong codes in between. */
async function useEveryRoute(phoneNumber: string): Promise<void> {
  const { ask, verify } = openApp();
  const begun = await ask('post', '/login', { phone_number: phoneNumber });
  await dump();
  const link = (begun.body as { auth_url?: string | null }).auth_url;
  if (link) await openLink(link, verify);
  await ask('get', '/login');
  for (const channel of ['sms', 'voice']) {
    await ask('post', '/login/next', { channel });
    await verify('000000');
    await dump();
    const [last] = (await messages()).filter(({ to }) => phoneNumber.endsWith(to.replace('+', ''))).slice(-1);
    if (last && channel === 'voice') await verify(last.code);
  }
  await ask('get', '/session');
  const { assertion = '' } = (await ask('post', '/session/assertion', {})).body as { assertion?: string };
  secrets.add(assertion).add(assertion.split('.')[2] ?? '');
  await dump();
  await ask('delete', '/login');
  await ask('post', '/logout');
}

async function openLink(link: string, verify: (code: string) => Promise<Response>): Promise<void> {
  const home = await walk(link);
  const { searchParams, origin, pathname } = new URL(home.hops.at(-1) ?? '');
  if (origin === server.base) {
    keep(`GET ${pathname}`, home.json ?? home.body, home.headers);
    for (const name of ['state', 'code']) secrets.add(searchParams.get(name) ?? '');
    const replayed = await fetch(home.hops.at(-1) ?? '');
    keep('GET /callback', await replayed.json(), Object.fromEntries(replayed.headers));
  }
  const { code = '' } = (home.json ?? {}) as { code?: string };
  secrets.add(code);
  await verify(code.slice(1));
  await dump();
  await verify(code);
  await verify(code);
}

const messages = async () => (await server.control('GET', 'messages')) as Message[];

/** Collects the secrets in the requests of the server to Vonage and in those of Vonage. */
async function collectSecrets(): Promise<void> {
  const requests = (await server.control('GET', 'requests?all=true')) as Recorded[];
  for (const { headers, body, path } of requests) {
    secrets.add(headers['authorization']?.replace('Bearer ', '') ?? '');
    const sent = (body ?? {}) as Record<string, string | undefined>;
    const { searchParams } = new URL(path, server.sandbox);
    for (const name of ['state', 'code']) secrets.add(sent[name] ?? '').add(searchParams.get(name) ?? '');
    for (const name of ['code_verifier', 'client_assertion']) secrets.add(sent[name] ?? '');
  }
  for (const { code } of await messages()) secrets.add(code);
  const webhooks = (await server.control('GET', 'webhooks')) as { headers?: Record<string, string> }[];
  for (const { headers } of webhooks) secrets.add(headers?.['authorization']?.replace('Bearer ', '') ?? '');
}

/** Whether a text contains the secret as a word: six digits within a time or an id do not count. */
const contains = (text: string, secret: string): boolean =>
  text.includes(secret) && new RegExp(`(?<![\\w-])${secret.replace(/[^\w]/g, '\\$&')}(?![\\w-])`).test(text);

describe.each(['network-enablement', 'oidc', 'camara', 'verify', 'off'])(
  'with debug logs and SILENT_AUTH=%s',
  (engine) => {
    test('no number, code, state, token, key or cookie is in the log, in Redis, or in an answer whose contract does not name it', async () => {
      const metricsPort = await freePort();
      server = await startOwnProcess(built('main.js'), {
        METRICS_PORT: `${metricsPort}`,
        ...ASSERTIONS,
        SILENT_AUTH: engine,
        REDIS_URL: redisUrlOfWorker(),
        LOG_LEVEL: 'debug',
        DEBUG: '*',
      });
      try {
        for (const each of [answers, dumps]) each.length = 0;
        secrets.clear();
        await Promise.all(NUMBERS.map(useEveryRoute));
        for (const path of [
          '/metrics',
          '/healthz',
          '/readyz',
          '/nothing?code=x',
          '/callback?error=x&state=y',
        ]) {
          const answer = await fetch(server.base + path);
          keep(`GET ${path}`, await answer.text(), Object.fromEntries(answer.headers));
        }
        const counted = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
        expect(counted).toContain('silent_auth_steps_total{step="verify"');
        keep('metrics', counted, {});
        await collectSecrets();
      } finally {
        await server.stop();
      }
      const { privateKeyPem, sessionSecret, signatureSecret } = credentials;
      const { ASSERTION_KEYS: signingKey, ASSERTION_SUBJECT_SECRET: subjectSecret } = ASSERTIONS;
      for (const pem of [privateKeyPem, signingKey]) secrets.add(pem.split('\n')[2] ?? '');
      for (const secret of [sessionSecret, signatureSecret, subjectSecret]) secrets.add(secret);
      for (const number of NUMBERS) secrets.add(number).add(number.slice(1)).add(number.slice(3));
      // Shorter strings than a typed code are not secrets.
      const all = [...secrets].filter((secret) => secret.length >= 6 && secret !== '000000');
      expect(all.length).toBeGreaterThan(30);

      expect(server.output()).toContain('"step":"verify"');
      expect(server.output()).not.toMatch(/7700900|Bearer |PRIVATE KEY|[?&](code|state)=|sid=|__Host-sid/);
      expect(all.filter((secret) => contains(server.output(), secret))).toEqual([]);
      expect(all.filter((secret) => dumps.some((text) => contains(text, secret)))).toEqual([]);
      expect(dumps.some((text) => text.includes('7700900'))).toBe(false);
      expect(all.filter((secret) => answers.some((text) => contains(text, secret)))).toEqual([]);
    });
  },
);
