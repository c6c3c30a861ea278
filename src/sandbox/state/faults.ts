import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { CAMARA_PATHS, exactly, PATHS, verifyPath } from '../http/paths.js';
import { answerAfter } from '../http/requests.js';

const ENDPOINTS = {
  'network-enablement': { method: 'POST', path: exactly(PATHS.networkEnablement) },
  token: { method: 'POST', path: exactly(PATHS.token) },
  verify: { method: 'POST', path: exactly(PATHS.verify) },
  'camara-metadata': { method: 'GET', path: exactly(CAMARA_PATHS.metadata) },
  'camara-jwks': { method: 'GET', path: exactly(CAMARA_PATHS.jwks) },
  'camara-token': { method: 'POST', path: exactly(CAMARA_PATHS.token) },
  'camara-sim-swap': { method: 'POST', path: exactly(CAMARA_PATHS.simSwap) },
  'identity-insights': { method: 'POST', path: exactly(PATHS.identityInsights) },
  'camara-verify': { method: 'POST', path: new RegExp(`^${CAMARA_PATHS.numberVerification}/v[012]/verify$`) },
  'verify-start': { method: 'POST', path: verifyPath('/?') },
  'verify-check': { method: 'POST', path: verifyPath('/(?!templates$)[^/]+') },
  'verify-next': { method: 'POST', path: verifyPath('/[^/]+/next_workflow') },
  'verify-cancel': { method: 'DELETE', path: verifyPath('/(?!templates$)[^/]+') },
};

const NAMES = Object.keys(ENDPOINTS) as (keyof typeof ENDPOINTS)[];

const isSendable = (headers: Record<string, string>): boolean => {
  try {
    Object.keys(headers).forEach((name) => validateHeaderName(name));
    Object.entries(headers).forEach(([name, value]) => validateHeaderValue(name, value));
    return true;
  } catch {
    return false;
  }
};

const isContentType = (type: string): boolean => isSendable({ 'content-type': type });

const Fault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).refine(isSendable, 'cannot be sent as HTTP headers').optional(),
  body: z.string().optional(),
  content_type: z.string().refine(isContentType, 'cannot be sent as an HTTP header').optional(),
  delay_ms: z.int().min(0).max(120_000).optional(),
  times: z.int().min(1).optional(),
  drop: z.enum(['before', 'after']).optional(),
});

type Fault = z.infer<typeof Fault>;

/** The body of `PUT /__sandbox/faults`. null removes a fault; other endpoints keep theirs. */
export const FaultsBody = z.partialRecord(z.enum(NAMES), Fault.nullable());

const sendFault = (res: Response, { status = 200, headers, body = '', content_type }: Fault): void => {
  const type = content_type ?? 'application/json';
  const length = String(Buffer.byteLength(body));
  // `writeHead` lets the given headers win, even a wrong Content-Length.
  res.writeHead(status, { 'content-type': type, 'content-length': length, ...headers }).end(body);
};

const isDelayOnly = ({ status, headers, body, content_type, drop }: Fault): boolean =>
  [status, headers, body, content_type, drop].every((each) => each === undefined);

export class FaultInjection {
  readonly #faults = new Map<string, { fault: Fault; remaining: number }>();

  set(faults: z.infer<typeof FaultsBody>): void {
    for (const [endpoint, fault] of Object.entries(faults)) {
      if (fault) this.#faults.set(endpoint, { fault, remaining: fault.times ?? Infinity });
      else this.#faults.delete(endpoint);
    }
  }

  clear(): void {
    this.#faults.clear();
  }

  /** Applies the faults that close the connection before the body is read. */
  dropUnread(record: (req: Request, res: Response) => void): RequestHandler {
    return (req, res, next) => {
      if (!this.#take(req, ({ drop }) => drop === 'before')) {
        next();
        return;
      }
      record(req, res);
      req.socket.destroy();
    };
  }

  /** Applies the faults that answer, or close the connection, after the request was read. */
  answer(): RequestHandler {
    return (req, res, next) => {
      const fault = this.#take(req, () => true);
      const act = (): void => {
        if (!fault || isDelayOnly(fault)) next();
        else if (fault.drop) req.socket.destroy();
        else sendFault(res, fault);
      };
      if (fault?.delay_ms) answerAfter(res, fault.delay_ms, act);
      else act();
    };
  }

  /** Returns the fault for this request if `applies` accepts it, and counts it as used once. */
  #take(req: Request, applies: (fault: Fault) => boolean): Fault | undefined {
    if (this.#faults.size === 0) return undefined;
    const isAt = ({ method, path }: (typeof ENDPOINTS)['verify']) =>
      method === req.method && path.test(req.path);
    const name = NAMES.find((each) => isAt(ENDPOINTS[each])) ?? '';
    const found = this.#faults.get(name);
    if (!found || !applies(found.fault)) return undefined;
    found.remaining -= 1;
    if (found.remaining <= 0) this.#faults.delete(name);
    return found.fault;
  }
}
