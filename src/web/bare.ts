import express, { type Express } from 'express';

/**
 * An Express application that tells nothing of itself, and takes a path and a query in one way only. Whether the client's
 * connection is encrypted is said by `PUBLIC_URL`, not by a header that anyone can send.
 */
export function bareApp({ publicUrl }: { publicUrl: string }): Express {
  const https = publicUrl.startsWith('https:');
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  app.set('query parser', 'simple');
  Object.defineProperty(app.request, 'secure', { get: () => https });
  return app;
}
