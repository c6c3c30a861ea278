import cors, { type CorsOptions } from 'cors';
import type { Request, RequestHandler } from 'express';
import { LoginError } from '../errors.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses unsafe requests that a browser sends for somebody else's page. Browsers name the page's `Origin`, and newer
 * ones its relation in `Sec-Fetch-Site`; apps send neither, and have no cookie that a stranger could ride on.
 */
export function refuseStrangers(allowed: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    if (!SAFE.has(req.method) && !isFriend(req, allowed)) {
      throw new LoginError('forbidden_origin', 'Only pages of this server and of ALLOWED_ORIGINS may call.');
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
