import type { RequestHandler, Response } from 'express';
import { LoginError } from '../core/errors.js';

const startedAt = new WeakMap<Response, number>();

/** Remembers when a request came, for {@link serverTiming}. */
export const clockIn = (res: Response): void => void startedAt.set(res, performance.now());

/** Milliseconds since a request came. */
export const sinceArrival = (res: Response): number =>
  performance.now() - (startedAt.get(res) ?? performance.now());

/**
 * What goes into `Server-Timing` (W3C Server Timing), in milliseconds: how long the server had the request, so that whoever
 * sent it can tell that from the way there and back; and whatever else the answer knows of.
 */
function serverTiming(res: Response, also: Record<string, number>): string | undefined {
  const started = startedAt.get(res);
  if (started === undefined) return undefined;
  let told = '';
  for (const [name, ms] of Object.entries(also)) told += `${name};dur=${ms.toFixed(1)}, `;
  return `${told}total;dur=${(performance.now() - started).toFixed(1)}`;
}

/**
 * Answers with JSON in one write, with a length, uncompressed and without a `charset` (JSON has none: RFC 8259). The
 * mobile SDKs read one segment, and compare the media type to the letter. `timing` joins `Server-Timing`, in milliseconds.
 */
export function sendJson(
  res: Response,
  status: number,
  body: object,
  { type = 'application/json', timing = {} }: { type?: string; timing?: Record<string, number> } = {},
): void {
  const text = JSON.stringify(body);
  const spent = serverTiming(res, timing);
  res.statusCode = status;
  if (spent !== undefined) res.setHeader('Server-Timing', spent);
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** Refuses a method the route does not have. @param allowed the methods it has, as the `Allow` header lists them */
export const methodNotAllowed =
  (allowed: string): RequestHandler =>
  (_req, res) => {
    res.setHeader('Allow', allowed);
    throw new LoginError('method_not_allowed', `Allowed here: ${allowed}.`);
  };
