import type { Request } from 'express';
import { LoginError } from '../errors.js';

/** Headers of which Node keeps the first and says nothing of a second, which a proxy in front may have gone by. */
const SINGLE = new Set(['host', 'content-type', 'authorization']);

/** Refuses what Node reads, and another reader of HTTP may read otherwise (RFC 9112 section 3.2, RFC 9110 section 5.3). */
export function refuseAmbiguous(req: Request): void {
  const why = ambiguityOf(req);
  if (why !== undefined) throw new LoginError('invalid_request', why);
}

function ambiguityOf(req: Request): string | undefined {
  const { headers, rawHeaders, httpVersion, url } = req;
  if (httpVersion === '0.9') return 'HTTP/1.0 or later is wanted.';
  if (httpVersion === '1.1' && headers.host === undefined) return '`Host` is missing.';
  if (url.includes('#')) return 'A fragment belongs to the client.';
  const doubled = doubledName(rawHeaders);
  return doubled && `\`${doubled}\` stands twice.`;
}

/** @param rawHeaders names and values in turn, as they came */
function doubledName(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.find((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}
