import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type Express, type Request, type RequestHandler } from 'express';
import { pino } from 'pino';
import type { Login } from '../src/login/login.js';
import type { PhoneNumber } from '../src/core/phone-number.js';
import { createCookieSessions } from '../src/session/cookie.js';
import { createUserSessions } from '../src/session/user-sessions.js';
import { createMemoryStore } from '../src/store/memory.js';
import { jsonBody, sendJson } from '../src/http/json.js';
import { shield } from '../src/http/protection.js';
import { systemWorld } from '../src/core/world.js';
import type { Part } from './measure.js';

const BODY = JSON.stringify({ phone_number: '+447400123456' });

/** A request and its response without a connection. */
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

/** Sends one request through an app. @returns the cookie that was set, or an empty string */
const send = (app: Express, cookie = ''): Promise<string> =>
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

/** Middleware. Each part is measured in an Express app; the cost of an empty app is subtracted. */
export function expressParts(): Part[] {
  const empty = appOf();
  const overhead = (): unknown => send(empty);
  const withoutExpress = (): void => {
    const { req, res } = exchange('');
    end(req as Request, res as express.Response, () => undefined);
  };
  const part = (name: string, timesALogin: number, ...handlers: RequestHandler[]): Part => {
    const app = appOf(...handlers);
    return { name, timesALogin, work: () => send(app), overhead };
  };
  return [
    { name: 'Express with one handler', timesALogin: 3, work: overhead, overhead: withoutExpress },
    part('time, request id, security headers', 3, shield({ hsts: true })),
    part('body parser', 2, jsonBody()),
    ...sessionParts(overhead),
  ];
}

/**
 * The new session of `/login`, and the new id of the session at `/verify`; on the embedded store.
 */
function sessionParts(overhead: () => unknown): Part[] {
  const world = systemWorld(pino({ level: 'silent' }));
  const secrets = ['s'.repeat(32)];
  const deps = { store: createMemoryStore(world), secrets, world };
  const registry = createUserSessions({ ...deps, maxSessions: 20 });
  const sessions = createCookieSessions({ ...deps, registry, secureCookie: true });
  const phoneNumber = '+447400123456' as PhoneNumber;
  const login: Login = {
    ...{ id: 'l'.repeat(32), phoneNumber, client: 'app', channel: 'silent_auth' },
    ...{ expiresAt: Infinity, ticket: 'a'.repeat(43) },
  };
  const channel = 'silent_auth' as const;
  const user = { phoneNumber, channel, channels: [channel], authenticatedAt: world.now() };
  const begin = appOf(
    sessions.load,
    (req, _res, next) => void sessions.loginSession(req).begin(login).then(next, next),
  );
  const both = appOf(sessions.load, (req, _res, next) => {
    const session = sessions.loginSession(req);
    void (session.login === undefined ? session.begin(login) : session.signIn(user, login)).then(next, next);
  });
  const beginOnce = (): Promise<string> => send(begin);
  return [
    { name: 'session of /login', timesALogin: 1, work: beginOnce, overhead },
    {
      name: 'session of /verify',
      timesALogin: 1,
      work: async () => send(both, await send(both)),
      overhead: async () => {
        await beginOnce();
        await overhead();
      },
    },
  ];
}
