import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';

/** Gives every request an id. It is ours alone: what a client sends never reaches a log or an operator as one. */
export const requestId: RequestHandler = (_req, res, next) => {
  res.setHeader('X-Request-Id', randomUUID());
  next();
};

/** The id of the request that is being answered. */
export const requestIdOf = (res: Response): string => String(res.getHeader('X-Request-Id'));

/** Headers of every answer: nothing inline, nothing foreign, no frame, no referrer, nothing kept. */
export function securityHeaders(https: boolean): RequestHandler[] {
  const self = ["'self'"];
  const none = ["'none'"];
  return [
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
      strictTransportSecurity: https && { maxAge: 63_072_000, includeSubDomains: true },
    }),
    (_req, res, next) => {
      res.setHeader('Cache-Control', 'no-store');
      next();
    },
  ];
}
