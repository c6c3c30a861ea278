import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cors, { type CorsOptions } from 'cors';
import type { Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { LoginError } from '../core/errors.js';
import { noteArrival } from './json.js';

/** Headers of which Node silently keeps the first; a proxy may have used the second. */
const SINGLE = new Set(['host', 'content-type', 'authorization']);

/** Why other parsers may read a request differently (RFC 9112, 3.2; RFC 9110, 5.3). */
function ambiguityOf(req: Request): string | undefined {
  const { headers, rawHeaders, httpVersion, url } = req;
  if (httpVersion === '0.9') return 'HTTP/1.0 or later is required.';
  if (httpVersion === '1.1' && headers.host === undefined) return '`Host` is missing.';
  if (url.includes('#')) return 'The request target must not contain a fragment.';
  const doubled = doubledName(rawHeaders);
  return doubled && `\`${doubled}\` occurs twice.`;
}

function doubledName(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.find((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}

/**
 * The first handler: notes the arrival, sets a request id and the security headers, and refuses
 * ambiguous requests. The id is always new, because a client's own would reach logs and operators.
 * @param hsts whether to send `Strict-Transport-Security`, for this host and its subdomains
 * @param logoUrl an image that pages may show though it is on another host
 */
export function shield(options: { hsts: boolean; logoUrl?: string | undefined }): RequestHandler {
  const headers = securityHeaders(options);
  // One handler, because the step from one to the next costs more than any of these.
  return (req, res, next) => {
    noteArrival(res);
    res.setHeader('X-Request-Id', randomUUID());
    for (const [name, value] of headers) res.setHeader(name, value);
    const ambiguity = ambiguityOf(req);
    if (ambiguity !== undefined) throw new LoginError('invalid_request', ambiguity);
    next();
  };
}

export const requestIdOf = (res: Response): string => String(res.getHeader('X-Request-Id'));

function securityHeaders({ hsts, logoUrl = '' }: Parameters<typeof shield>[0]): [string, string][] {
  const [self, none] = [["'self'"], ["'none'"]];
  const images = URL.canParse(logoUrl) ? [...self, new URL(logoUrl).origin] : self;
  return headersOf(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: none,
          scriptSrc: self,
          styleSrc: self,
          imgSrc: images,
          connectSrc: self,
          formAction: self,
          baseUri: none,
          frameAncestors: none,
        },
      },
      frameguard: { action: 'deny' },
      // Only Internet Explorer and Flash read these, and old SDKs read only one segment.
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
      strictTransportSecurity: hsts && { maxAge: 63_072_000, includeSubDomains: true },
    }),
  );
}

/** Runs helmet once: its headers are the same for every answer. */
function headersOf(handler: ReturnType<typeof helmet>): [string, string][] {
  const headers: [string, string][] = [['Cache-Control', 'no-store']];
  const request = new IncomingMessage(new Socket());
  const answer = new ServerResponse(request);
  answer.setHeader = (name, value) => (headers.push([name, String(value)]), answer);
  handler(request, answer, () => undefined);
  return headers;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses unsafe requests of pages of other origins. Browsers send `Origin`, and newer ones
 * `Sec-Fetch-Site`. Apps send neither, and no page can use their cookies.
 */
export function refuseOtherOrigins(allowed: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    if (!SAFE.has(req.method) && !isAllowedOrigin(req, allowed)) {
      throw new LoginError(
        'forbidden_origin',
        'The page must be of this server or of an origin in ALLOWED_ORIGINS.',
      );
    }
    next();
  };
}

function isAllowedOrigin({ headers }: Request, allowed: readonly string[]): boolean {
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined) return allowed.includes(headers.origin);
  return site === undefined || site === 'same-origin';
}

/**
 * CORS with credentials for the listed origins, which may send any header, such as those of
 * monitoring (`sentry-trace`, `traceparent`). Other origins get no CORS headers.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler[] {
  if (origins.length === 0) return [];
  const listed: CorsOptions = {
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'POST', 'DELETE'],
    // Without `allowedHeaders`, a preflight is granted the headers that it requests.
    exposedHeaders: ['x-request-id', 'retry-after', 'ratelimit', 'ratelimit-policy'],
    maxAge: 600,
  };
  const varies: RequestHandler = (_req, res, next) => {
    res.vary('Origin');
    next();
  };
  const isListed = (origin: string | undefined) => origin !== undefined && origins.includes(origin);
  return [varies, cors((req, use) => use(null, isListed(req.headers.origin) ? listed : { origin: false }))];
}
