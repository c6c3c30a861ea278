import type { Request } from 'express';
import { LoginError } from '../errors.js';

/** Headers of which Node keeps the first and says nothing of a second, which a proxy in front may have gone by. */
const SINGLE = ['host', 'content-type', 'authorization'];

/** Refuses what Node reads, and another reader of HTTP may read otherwise (RFC 9112 section 3.2, RFC 9110 section 5.3). */
export function refuseAmbiguous(req: Request): void {
  const why = ambiguityOf(req);
  if (why !== undefined) throw new LoginError('invalid_request', why);
}

function ambiguityOf(req: Request): string | undefined {
  const { headersDistinct: headers, httpVersion, url } = req;
  if (httpVersion === '0.9') return 'HTTP/1.0 or later is wanted.';
  if (httpVersion === '1.1' && headers['host'] === undefined) return '`Host` is missing.';
  if (url.includes('#')) return 'A fragment belongs to the client.';
  const doubled = SINGLE.find((name) => (headers[name]?.length ?? 0) > 1);
  return doubled && `\`${doubled}\` stands twice.`;
}
