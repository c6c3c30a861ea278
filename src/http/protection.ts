import type { Request, RequestHandler, Response } from 'express';
import { LoginError } from '../core/errors.js';
import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import { noteArrival } from './json.js';
import cors from 'cors';
import type { CorsOptions } from 'cors';

/** Headers of which Node keeps the first and says nothing of a second, which a proxy in front may have gone by. */
const SINGLE = new Set(['host', 'content-type', 'authorization']);

/** Refuses what Node reads, and another reader of HTTP may read otherwise (RFC 9112 section 3.2, RFC 9110 section 5.3). */
function refuseAmbiguous(req: Request): void {
  const why = ambiguityOf(req);
  if (why !== undefined) throw new LoginError('invalid_request', why);
}

function ambiguityOf(req: Request): string | undefined {
  const { headers, rawHeaders, httpVersion, url } = req;
  if (httpVersion === '0.9') return 'HTTP/1.0 or later is required.';
  if (httpVersion === '1.1' && headers.host === undefined) return '`Host` is missing.';
  if (url.includes('#')) return 'The request target must not contain a fragment.';
  const doubled = doubledName(rawHeaders);
  return doubled && `\`${doubled}\` occurs twice.`;
}

/** @param rawHeaders names and values in turn, as they came */
function doubledName(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.find((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}

/**
 * Stands before everything else: the time of a request is taken, it gets an id and the headers of every answer, and is refused where
 * it could be read in two ways. The id is ours alone: what a client sends never reaches a log or an operator as one.
 * @param hsts whether to say that this host, and all below it, speak https alone
 */
export function shield({ hsts }: { hsts: boolean }): RequestHandler {
  const headers = securityHeaders(hsts);
  // One handler, since what Express does between two of them costs more than any of this.
  return (req, res, next) => {
    noteArrival(res);
    res.setHeader('X-Request-Id', randomUUID());
    for (const [name, value] of headers) res.setHeader(name, value);
    refuseAmbiguous(req);
    next();
  };
}

/** The id of the request that is being answered. */
export const requestIdOf = (res: Response): string => String(res.getHeader('X-Request-Id'));

/** Nothing inline, nothing foreign, no frame, no referrer, nothing kept. */
function securityHeaders(hsts: boolean): [string, string][] {
  const self = ["'self'"];
  const none = ["'none'"];
  return headersOf(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: none,
          scriptSrc: self,
          styleSrc: self,
          imgSrc: self,
          connectSrc: self,
          formAction: self,
          baseUri: none,
          frameAncestors: none,
        },
      },
      frameguard: { action: 'deny' },
      // For Internet Explorer and Flash, which nobody has any more. Old SDKs want an answer in one segment.
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
      strictTransportSecurity: hsts && { maxAge: 63_072_000, includeSubDomains: true },
    }),
  );
}

/** The headers that helmet gives every answer: they are the same each time, and written down once. */
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
 * Refuses unsafe requests that a browser sends for somebody else's page. Browsers name the page's `Origin`, and newer
 * ones its relation in `Sec-Fetch-Site`; apps send neither, and have no cookie that a stranger could ride on.
 */
export function refuseStrangers(allowed: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    if (!SAFE.has(req.method) && !isFriend(req, allowed)) {
      throw new LoginError(
        'forbidden_origin',
        'The page must be of this server or of an origin in ALLOWED_ORIGINS.',
      );
    }
    next();
  };
}

function isFriend({ headers }: Request, allowed: readonly string[]): boolean {
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined) return allowed.includes(headers.origin);
  return site === undefined || site === 'same-origin';
}

/**
 * Lets pages of the listed origins read answers, cookies included, and send any header, such as
 * those that monitoring adds (`sentry-trace`, `traceparent`). Others are answered as without CORS.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler[] {
  if (origins.length === 0) return [];
  const listed: CorsOptions = {
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'POST', 'DELETE'],
    // Without `allowedHeaders` a preflight is allowed those that it asks for.
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
