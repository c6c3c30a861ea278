import express from 'express';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { sendProblem } from './problems.js';

/** Reads bodies as text of at most 100 kB. Each endpoint parses it, and refuses it as it does. */
export const readText: RequestHandler = express.text({ type: () => true, limit: '100kb' });

/** The body as text; empty when there was none. */
export const bodyText = (req: Request): string => {
  const body: unknown = req.body;
  return typeof body === 'string' ? body : '';
};

/** The content type in lower case, without its parameters. */
export const mediaType = (req: Request): string =>
  (req.headers['content-type'] ?? '').replace(/;.*/, '').trim().toLowerCase();

/** The body as JSON; undefined when it is no JSON. */
export const jsonBody = (req: Request): unknown => {
  try {
    return JSON.parse(bodyText(req)) as unknown;
  } catch {
    return undefined;
  }
};

/** The body as it is recorded: an object for JSON and forms, else text; null for none. */
export const recordedBody = (req: Request): unknown => {
  const text = bodyText(req);
  if (text === '') return null;
  if (mediaType(req) === 'application/x-www-form-urlencoded') {
    return Object.fromEntries(new URLSearchParams(text));
  }
  return jsonBody(req) ?? text;
};

/** Refuses bodies of another content type with 415. */
export const requireMediaType =
  (type: string): RequestHandler =>
  (req, res, next) => {
    if (mediaType(req) === type) next();
    else sendProblem(res, 'unsupportedMediaType', { detail: `Content-Type must be ${type}.` });
  };

/** A parameter of the query; empty when it is absent or repeated. */
export const queryParameter = (req: Request, name: string): string => {
  const value = req.query[name];
  return typeof value === 'string' ? value : '';
};

/** The token of an `Authorization` header (RFC 6750, 2.1); undefined where there is none. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];

/** Runs `work` once, when the answer is sent or the connection closes, which may be pipelined. */
export const whenOver = (res: Response, work: () => void): void => {
  const { socket } = res.req;
  const end = (): void => {
    for (const each of [socket, res]) each.off('close', end);
    work();
  };
  // Node emits no `close` for an answer that waits behind another one when its connection ends.
  for (const each of [socket, res]) each.once('close', end);
};

/** Calls `answer` after `ms` milliseconds, unless the client has disconnected by then. */
export const delayed = (res: Response, ms: number, answer: () => void): void => {
  const timer = setTimeout(answer, ms).unref();
  whenOver(res, () => clearTimeout(timer));
};

export type Method = 'get' | 'post' | 'patch' | 'delete';

/**
 * Registers the handlers of a path by method, and refuses other methods with 405. So is HEAD, which
 * Express would hand to GET: a link preview would use up a link.
 */
export const handlePath = (
  router: IRouter,
  path: string | string[],
  handlers: Partial<Record<Method, RequestHandler[]>>,
): void => {
  const methods = Object.keys(handlers) as Method[];
  const refuse: RequestHandler = (req, res) => {
    res.set('Allow', methods.join(', ').toUpperCase());
    sendProblem(res, 'methodNotAllowed', { detail: `${req.method} is not allowed on ${req.path}.` });
  };
  const route = router.route(path).head(refuse);
  for (const method of methods) route[method](...(handlers[method] ?? []));
  route.all(refuse);
};
