import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { later } from './later.js';
import { exactly, PATHS, underVerify } from './paths.js';
import type { Stage } from './state.js';

/** The endpoints that can be made to fail, by name: a method, and which paths. */
const ENDPOINTS = {
  'network-enablement': ['POST', exactly(PATHS.networkEnablement)],
  token: ['POST', exactly(PATHS.token)],
  verify: ['POST', exactly(PATHS.verify)],
  'verify-start': ['POST', underVerify('/?')],
  'verify-check': ['POST', underVerify('/(?!templates$)[^/]+')],
  'verify-next': ['POST', underVerify('/[^/]+/next_workflow')],
  'verify-cancel': ['DELETE', underVerify('/(?!templates$)[^/]+')],
} as const;

type Endpoint = keyof typeof ENDPOINTS;

const NAMES = Object.keys(ENDPOINTS) as Endpoint[];

const endpointOf = ({ method, path }: Request): Endpoint | undefined =>
  NAMES.find((name) => {
    const [itsMethod, itsPath] = ENDPOINTS[name];
    return method === itsMethod && itsPath.test(path);
  });

const sendable = (headers: Record<string, string>): boolean => {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
};

const Fault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).refine(sendable, 'cannot be sent as HTTP headers').optional(),
  body: z.string().optional(),
  content_type: z
    .string()
    .refine((type) => sendable({ 'content-type': type }), 'cannot be sent as an HTTP header')
    .optional(),
  delay_ms: z.int().min(0).max(120_000).optional(),
  times: z.int().min(1).optional(),
  drop: z.enum(['before', 'after']).optional(),
});

type Fault = z.infer<typeof Fault>;

/** The body of `PUT /__sandbox/faults`: endpoints not named stay as they are, null mends one. */
export const FaultsBody = z.partialRecord(z.enum(NAMES), Fault.nullable());

export interface Faults {
  set(faults: z.infer<typeof FaultsBody>): void;
  /** The fault that waits for this request, if any, when `wanted` says so; taking it counts. */
  take(req: Request, wanted: (fault: Fault) => boolean): Fault | undefined;
  reset(): void;
}

export const createFaults = (): Faults => {
  const waiting = new Map<string, { fault: Fault; left: number }>();
  return {
    set: (faults) => {
      for (const [endpoint, fault] of Object.entries(faults)) {
        if (fault) waiting.set(endpoint, { fault, left: fault.times ?? Infinity });
        else waiting.delete(endpoint);
      }
    },
    take: (req, wanted) => {
      const endpoint = waiting.size > 0 ? endpointOf(req) : undefined;
      const entry = endpoint && waiting.get(endpoint);
      if (!entry || !wanted(entry.fault)) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) waiting.delete(endpoint);
      return entry.fault;
    },
    reset: () => waiting.clear(),
  };
};

const answerWith = (res: Response, fault: Fault): void => {
  const body = fault.body ?? '';
  const type = fault.content_type ?? 'application/json';
  // Written raw: the named headers win, even a Content-Length that lies.
  const headers = {
    'content-type': type,
    'content-length': String(Buffer.byteLength(body)),
    ...fault.headers,
  };
  res.writeHead(fault.status ?? 200, headers).end(body);
};

/** Only a delay was asked for: the endpoint then answers as it always does. */
const isMereDelay = ({ status, headers, body, content_type, drop }: Fault): boolean =>
  [status, headers, body, content_type, drop].every((each) => each === undefined);

/** Hangs up before the body is read. */
export const dropBefore =
  ({ state }: Stage, record: (req: Request, res: Response) => void): RequestHandler =>
  (req, res, next) => {
    if (!state.faults.take(req, (fault) => fault.drop === 'before')) {
      next();
      return;
    }
    record(req, res);
    req.socket.destroy();
  };

/** Answers in the endpoint's place, or hangs up now that the whole request has been read. */
export const failAsAsked =
  ({ state }: Stage): RequestHandler =>
  (req, res, next) => {
    const fault = state.faults.take(req, () => true);
    const act = (): void => {
      if (!fault || isMereDelay(fault)) next();
      else if (fault.drop) req.socket.destroy();
      else answerWith(res, fault);
    };
    if (fault?.delay_ms) later(res, fault.delay_ms, act);
    else act();
  };
