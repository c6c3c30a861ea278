import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type Express, type Request, type RequestHandler } from 'express';
import { pino } from 'pino';
import type { Login } from '../src/login/login.js';
import type { PhoneNumber } from '../src/core/phone-number.js';
import { createCookieSessions } from '../src/session/cookie.js';
import { createMemoryStore } from '../src/store/memory.js';
import { sendJson } from '../src/http/json.js';
import { jsonBody } from '../src/http/json.js';
import { shield } from '../src/http/protection.js';
import { systemWorld } from '../src/core/world.js';
import type { Part } from './clock.js';

const BODY = JSON.stringify({ phone_number: '+447400123456' });

/** A request and its answer with no connection under them. */
function exchange(cookie: string): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  Object.assign(req, { method: 'POST', url: '/x' });
  const length = `${BODY.length}`;
  req.headers = { host: 'x', 'content-type': 'application/json', 'content-length': length, cookie };
  req.push(BODY);
  req.push(null);
  return { req, res: new ServerResponse(req) };
}

const end: RequestHandler = (_req, res) => sendJson(res, { status: 200, body: {} });

/** Sends one request through an app. @returns the cookie that was set, if any */
const through = (app: Express, cookie = ''): Promise<string> =>
  new Promise((resolve) => {
    const { req, res } = exchange(cookie);
    const finish = res.end.bind(res) as () => ServerResponse;
    res.end = () => {
      resolve(String(res.getHeader('set-cookie') ?? '').split(';')[0] ?? '');
      return finish();
    };
    app(req as Request, res as express.Response);
  });

function appOf(...handlers: RequestHandler[]): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  Object.defineProperty(app.request, 'secure', { get: () => true });
  return app.use(...handlers, end);
}

/** What stands between a request and the story. Each part is measured through Express, less Express alone. */
export function webParts(): Part[] {
  const empty = appOf();
  const around = (): unknown => through(empty);
  const bare = (): void => {
    const { req, res } = exchange('');
    end(req as Request, res as express.Response, () => undefined);
  };
  const part = (name: string, timesALogin: number, ...handlers: RequestHandler[]): Part => {
    const app = appOf(...handlers);
    return { name, timesALogin, work: () => through(app), around };
  };
  return [
    { name: 'Express with one handler', timesALogin: 3, work: around, around: bare },
    part('time, request id, security headers', 3, shield({ hsts: true })),
    part('body parser', 2, jsonBody()),
    ...sessionParts(around),
  ];
}

/** The session of `/login`, which is new, and that of `/verify`, which moves to a new id; on the embedded store. */
function sessionParts(around: () => unknown): Part[] {
  const world = systemWorld(pino({ level: 'silent' }));
  const secrets = ['s'.repeat(32)];
  const sessions = createCookieSessions({
    store: createMemoryStore(world),
    secrets,
    secureCookie: true,
    world,
  });
  const phoneNumber = '+447400123456' as PhoneNumber;
  const login: Login = {
    ...{ id: 'l'.repeat(32), phoneNumber, client: 'app', channel: 'silent_auth' },
    ...{ expiresAt: Infinity, ticket: 'a'.repeat(43) },
  };
  const user = {
    phoneNumber,
    channel: 'silent_auth',
    channels: ['silent_auth'],
    authenticatedAt: world.now(),
  } as const;
  const begin = appOf(
    sessions.load,
    (req, _res, next) => void sessions.loginSession(req).begin(login).then(next, next),
  );
  const both = appOf(sessions.load, (req, _res, next) => {
    const holder = sessions.loginSession(req);
    void (holder.login === undefined ? holder.begin(login) : holder.signIn(user, login)).then(next, next);
  });
  const beginOnce = (): Promise<string> => through(begin);
  return [
    { name: 'session of /login', timesALogin: 1, work: beginOnce, around },
    {
      name: 'session of /verify',
      timesALogin: 1,
      work: async () => through(both, await through(both)),
      around: async () => {
        await beginOnce();
        await around();
      },
    },
  ];
}
