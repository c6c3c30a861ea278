import type { RequestHandler, Response } from 'express';
import { LoginError } from '../errors.js';
import { serverTiming } from './timing.js';

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
