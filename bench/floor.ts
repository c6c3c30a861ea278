import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { VERIFY_SCOPE } from '../src/vonage/wire.js';

/**
 * The floor: the same three routes, written by hand on Node with clients for Redis and HTTP alone.
 * It makes the same calls, stores the same records for the same time and moves the session to a new
 * id. It does not sign, seal, count, check or log.
 */
const { PORT = '', REDIS_URL = '', VONAGE_BASE_URL = '' } = process.env;
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });
const vonage = new Pool(VONAGE_BASE_URL);
const bearer = `Bearer ${'j'.repeat(600)}`;

const newToken = (): string => randomBytes(32).toString('base64url');

async function call<T>(path: string, body: string, type: string): Promise<T> {
  const headers = { authorization: bearer, accept: 'application/json', 'content-type': type };
  const answer = await vonage.request({ method: 'POST', path, headers, body });
  return (await answer.body.json()) as T;
}

async function readJson<T>(req: IncomingMessage): Promise<T> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return JSON.parse(text) as T;
}

interface Reply {
  status: number;
  body: object;
  headers: Record<string, string>;
}

function send(res: ServerResponse, { status, body, headers }: Reply): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...headers,
  });
  res.end(text);
}

const cookie = (sid: string) => ({ 'Set-Cookie': `sid=${sid}; Path=/; HttpOnly; Secure; SameSite=Lax` });

async function login(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { phone_number: number } = await readJson<{ phone_number: string }>(req);
  const [id, sid, state] = [randomUUID(), newToken(), newToken()];
  await redis.set(`state:${state}`, JSON.stringify({ id, number }), 'EX', 300);
  const body = JSON.stringify({ phone_number: number, scopes: [VERIFY_SCOPE], state });
  const { scopes } = await call<{ scopes: Record<string, { auth_url: string }> }>(
    '/v0.1/network-enablement',
    body,
    'application/json',
  );
  await redis.set(`sess:${sid}`, JSON.stringify({ id, number }), 'EX', 1800);
  send(res, {
    status: 201,
    body: { login_id: id, auth_url: scopes[VERIFY_SCOPE]?.auth_url },
    headers: cookie(sid),
  });
}

async function callback(query: URLSearchParams, res: ServerResponse): Promise<void> {
  const ticket = JSON.parse((await redis.getdel(`state:${query.get('state') ?? ''}`)) ?? '') as {
    id: string;
  };
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: query.get('code') ?? '' });
  const type = 'application/x-www-form-urlencoded';
  const { access_token: token } = await call<{ access_token: string }>(
    '/oauth2/token',
    form.toString(),
    type,
  );
  const code = newToken();
  await redis.set(`code:${code}`, JSON.stringify({ ...ticket, token }), 'EX', 300);
  send(res, { status: 200, body: { login_id: ticket.id, code }, headers: { Connection: 'close' } });
}

async function verify(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { code } = await readJson<{ code: string }>(req);
  const old = /sid=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? '';
  const session = JSON.parse((await redis.get(`sess:${old}`)) ?? '') as { id: string; number: string };
  const ticket = JSON.parse((await redis.getdel(`code:${code}`)) ?? '') as { id: string };
  if (ticket.id !== session.id) throw new Error('a code of another session');
  const body = JSON.stringify({ phoneNumber: session.number });
  const answer = await call<{ devicePhoneNumberVerified: boolean }>(
    '/camara/number-verification/v031/verify',
    body,
    'application/json',
  );
  const sid = newToken();
  await redis.del(`sess:${old}`);
  await redis.set(`sess:${sid}`, JSON.stringify({ ...session, verified: true }), 'EX', 1800);
  send(res, {
    status: 200,
    body: { verified: answer.devicePhoneNumberVerified },
    headers: cookie(sid),
  });
}

function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [path, query = ''] = (req.url ?? '').split('?');
  if (path === '/login') return login(req, res);
  return path === '/verify' ? verify(req, res) : callback(new URLSearchParams(query), res);
}

createServer((req, res) => {
  route(req, res).catch(() => res.writeHead(500).end());
}).listen(Number(PORT));
