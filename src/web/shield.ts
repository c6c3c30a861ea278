import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { refuseAmbiguous } from './plain.js';
import { clockIn } from './timing.js';

/**
 * Stands before everything else: the time of a request is taken, it gets an id and the headers of every answer, and is refused where
 * it could be read in two ways. The id is ours alone: what a client sends never reaches a log or an operator as one.
 * @param hsts whether to say that this host, and all below it, speak https alone
 */
export function shield({ hsts }: { hsts: boolean }): RequestHandler {
  const headers = securityHeaders(hsts);
  // One handler, since what Express does between two of them costs more than any of this.
  return (req, res, next) => {
    clockIn(res);
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
