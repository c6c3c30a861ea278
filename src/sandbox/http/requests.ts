import express from 'express';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { Problem } from './problems.js';

/** Reads bodies as text of at most 100 kB. Each endpoint parses the text and has its own errors. */
export const readText: RequestHandler = express.text({ type: () => true, limit: '100kb' });

export const bodyText = (req: Request): string => {
  const body: unknown = req.body;
  return typeof body === 'string' ? body : '';
};

export const mediaType = (req: Request): string =>
  (req.headers['content-type'] ?? '').replace(/;.*/, '').trim().toLowerCase();

/** No body of an API is as deep. Writing a deeper one could overflow the stack. */
const MAX_DEPTH = 100;

const isWithin = (depth: number, value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every((each) => isWithin(depth - 1, each)));

/** The body as JSON; undefined if it is none, or nested too deeply. */
export const jsonBody = (req: Request): unknown => {
  try {
    const json: unknown = JSON.parse(bodyText(req));
    return isWithin(MAX_DEPTH, json) ? json : undefined;
  } catch {
    return undefined;
  }
};

/** The body as recorded: parsed JSON, an object for forms, else text; null if there is none. */
export const recordedBody = (req: Request): unknown => {
  const text = bodyText(req);
  if (text === '') return null;
  if (mediaType(req) === 'application/x-www-form-urlencoded') {
    return Object.fromEntries(new URLSearchParams(text));
  }
  return jsonBody(req) ?? text;
};

export const requireMediaType =
  (type: string): RequestHandler =>
  (req, _res, next) => {
    if (mediaType(req) === type) next();
    else throw new Problem('unsupportedMediaType', { detail: `Content-Type must be ${type}.` });
  };

/** A query parameter; empty if it is absent or repeated. */
export const queryParameter = (req: Request, name: string): string => {
  const value = req.query[name];
  return typeof value === 'string' ? value : '';
};

/** The token of an `Authorization` header (RFC 6750, 2.1). */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];

const CORRELATOR = /^[\w:;./<>{}-]{0,256}$/;

/** Returns CAMARA's `x-correlator` with each answer. `refuse` answers a malformed one. */
export const echoCorrelator =
  (refuse: (res: Response) => void): RequestHandler =>
  (req, res, next) => {
    const correlator = req.get('x-correlator');
    if (correlator !== undefined && !CORRELATOR.test(correlator)) {
      refuse(res);
      return;
    }
    if (correlator !== undefined) res.set('x-correlator', correlator);
    next();
  };

/** Runs `work` once, when the answer is sent or its connection closes. */
export const onClose = (res: Response, work: () => void): void => {
  const { socket } = res.req;
  const end = (): void => {
    for (const each of [socket, res]) each.off('close', end);
    work();
  };
  // Node emits no `close` for pipelined answers that are still waiting when the connection ends.
  for (const each of [socket, res]) each.once('close', end);
};

/** Calls `answer` after `ms` milliseconds, unless the client disconnects. */
export const answerAfter = (res: Response, ms: number, answer: () => void): void => {
  const timer = setTimeout(answer, ms).unref();
  onClose(res, () => clearTimeout(timer));
};

export type Method = 'get' | 'post' | 'patch' | 'delete';

/**
 * Registers the handlers of a path by method. Other methods get 405, including HEAD, which Express
 * would route to GET, so that a link preview does not use up a link.
 */
export const handlePath = (
  router: IRouter,
  path: string | string[],
  handlers: Partial<Record<Method, RequestHandler[]>>,
): void => {
  const methods = Object.keys(handlers) as Method[];
  const refuse: RequestHandler = (req, res) => {
    res.set('Allow', methods.join(', ').toUpperCase());
    throw new Problem('methodNotAllowed', { detail: `${req.method} is not allowed on ${req.path}.` });
  };
  const route = router.route(path).head(refuse);
  for (const method of methods) route[method](...(handlers[method] ?? []));
  route.all(refuse);
};
