import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';

/** Gives every request an id. It is ours alone: what a client sends never reaches a log or an operator as one. */
export const requestId: RequestHandler = (_req, res, next) => {
  res.setHeader('X-Request-Id', randomUUID());
  next();
};

/** The id of the request that is being answered. */
export const requestIdOf = (res: Response): string => String(res.getHeader('X-Request-Id'));

/**
 * Headers of every answer: nothing inline, nothing foreign, no frame, no referrer, nothing kept.
 * @param hsts whether to say that this host, and all below it, speak https alone
 */
export function securityHeaders({ hsts }: { hsts: boolean }): RequestHandler {
  const self = ["'self'"];
  const none = ["'none'"];
  const headers = headersOf(
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
      strictTransportSecurity: hsts && { maxAge: 63_072_000, includeSubDomains: true },
    }),
  );
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
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
