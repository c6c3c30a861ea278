import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { createSandbox } from '../../src/sandbox/app.js';
import { VERIFY_SCOPE } from '../../src/sandbox/http/paths.js';
import { systemWorld } from '../../src/core/world.js';
import { credentials } from '../support/credentials.js';

export { SHARE_SCOPE, VERIFY_SCOPE } from '../../src/sandbox/http/paths.js';

export const REDIRECT_URI = 'https://app.example.com/callback';
export const APPLICATION_ID = randomUUID();

export const PRIVATE_KEY_PEM = credentials.privateKeyPem;
const [privateKey, publicKey] = [createPrivateKey(PRIVATE_KEY_PEM), createPublicKey(PRIVATE_KEY_PEM)];
const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: unknown;
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

export const ask = async (url: string, asking: Asking = {}): Promise<Answer> => {
  const res = await fetch(url, { redirect: 'manual', ...asking });
  const text = await res.text();
  return { status: res.status, headers: res.headers, text, body: parse(text) };
};

/** Asks a sandbox, and turns its timers. @returns the seconds until the answer, and the answer */
export const turned = async (request: () => Promise<Answer>) => {
  // Only the sandbox uses these: Node's own timers do not change.
  jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
  try {
    let [seconds, isAnswered] = [0, false];
    const asked = request().finally(() => (isAnswered = true));
    while (!isAnswered && jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    for (; jest.getTimerCount() > 0; seconds++) jest.advanceTimersByTime(1000);
    return { seconds, answer: await asked };
  } finally {
    jest.useRealTimers();
  }
};

/** A field of a JSON object, as text. */
export const field = (body: unknown, name: string): string =>
  String((body as Record<string, unknown> | undefined)?.[name]);

export const locationOf = (answer: Answer): URL => new URL(answer.headers.get('location') ?? '');

type Deps = Parameters<typeof createSandbox>[0];

const listening = async (more: Pick<Deps, 'world' | 'webhooks'> & Partial<Pick<Deps, 'redirectUri'>>) => {
  let url = '';
  const deps = { applicationId: APPLICATION_ID, publicKey, redirectUri: REDIRECT_URI, ...more };
  const sandbox = createSandbox({ ...deps, publicUrl: () => url });
  const server = sandbox.app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url, close, startTicking: () => sandbox.startTicking() };
};

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Starts a sandbox with a clock that tests turn, and the requests that a customer makes. */
export const openSandbox = async ({
  startAt = Date.parse('2026-03-01T12:00:00Z'),
  ...more
}: { startAt?: number } & Partial<Pick<Deps, 'webhooks' | 'redirectUri'>> = {}) => {
  const clock = { ms: startAt };
  const world = {
    ...systemWorld(silent),
    now: () => clock.ms,
    pause: () => Promise.resolve(),
    later: () => {},
  };
  const { url, close, startTicking } = await listening({ world, ...more });
  const seconds = (): number => Math.floor(clock.ms / 1000);
  const jwt = (
    claims: Record<string, unknown> = {},
    how: { alg?: string; key?: 'other' | 'secret' } = {},
  ) => {
    const usual = { application_id: APPLICATION_ID, iat: seconds(), exp: seconds() + 900, jti: randomUUID() };
    const key = how.key === 'secret' ? randomBytes(64) : how.key === 'other' ? newKey() : privateKey;
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: how.alg ?? 'RS256', typ: 'JWT' })
      .sign(key);
  };
  const post = async (path: string, type: string, body: string, token?: string): Promise<Answer> => {
    const authorization = `Bearer ${token ?? (await jwt())}`;
    return ask(`${url}${path}`, { method: 'POST', headers: { authorization, 'content-type': type }, body });
  };
  /** A request of the server without a body. */
  const send = async (method: string, path: string): Promise<Answer> =>
    ask(`${url}${path}`, { method, headers: { authorization: `Bearer ${await jwt()}` } });
  const control = (method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(`${url}/__sandbox${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

  const enable = (changes: Record<string, unknown> = {}): Promise<Answer> => {
    const usual = { phone_number: '+447700900000', scopes: [VERIFY_SCOPE], state: randomUUID() };
    return post('/v0.1/network-enablement', 'application/json', JSON.stringify({ ...usual, ...changes }));
  };
  const authUrl = async (number = '+447700900000', state: string = randomUUID(), scope = VERIFY_SCOPE) => {
    const { body } = await enable({ phone_number: number, scopes: [scope], state });
    return field((body as { scopes: Record<string, unknown> }).scopes[scope], 'auth_url');
  };
  /** Follows redirects inside the sandbox. `headersOf` returns the headers of each request. */
  const walk = async (from: string, headersOf: (hop: number) => Record<string, string> = () => ({})) => {
    const hops: Answer[] = [];
    let next = from;
    while (next.startsWith(url)) {
      const answer = await ask(next, { headers: headersOf(hops.length) });
      hops.push(answer);
      next = answer.headers.get('location') ?? '';
    }
    return { hops, end: next };
  };
  const codeFor = async (number?: string, scope?: string, headers: Record<string, string> = {}) => {
    const { end } = await walk(await authUrl(number, undefined, scope), () => headers);
    return new URL(end).searchParams.get('code') ?? '';
  };
  const exchange = (code: string, changes: Record<string, string> = {}): Promise<Answer> => {
    const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, ...changes };
    return post('/oauth2/token', 'application/x-www-form-urlencoded', new URLSearchParams(form).toString());
  };
  const tokenFor = async (number?: string, scope?: string, headers?: Record<string, string>) =>
    field((await exchange(await codeFor(number, scope, headers))).body, 'access_token');
  const verify = (token: string, body: unknown): Promise<Answer> =>
    post('/camara/number-verification/v031/verify', 'application/json', JSON.stringify(body), token);
  return {
    url,
    close,
    clock,
    seconds,
    jwt,
    post,
    send,
    startTicking,
    control,
    enable,
    authUrl,
    walk,
    codeFor,
    exchange,
    tokenFor,
    verify,
  };
};

export type OpenSandbox = Awaited<ReturnType<typeof openSandbox>>;
