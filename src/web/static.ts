import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express, { Router, type Response } from 'express';
import { methodNotAllowed } from './answers.js';

/**
 * Kept by browsers, but asked for again each time, so that a new version is seen at once. Not kept by shared caches: an app
 * around us may set its cookie beside it.
 */
export const revalidate = (res: Response): Response => res.setHeader('Cache-Control', 'private, no-cache');

/** The page of the contract, and what the pages borrow, address and file: the client for any app, as it was built, and packages as they come. */
function addressed(root: string): Record<string, string> {
  const { resolve } = createRequire(join(root, 'package.json'));
  const numbers = dirname(resolve('libphonenumber-js/package.json'));
  return {
    '/docs': join(root, 'public', 'docs.html'),
    '/client.js': join(root, 'dist', 'client', 'silent-auth.js'),
    '/vendor/libphonenumber.js': join(numbers, 'bundle', 'libphonenumber-min.js'),
    '/vendor/qr.js': resolve('qr'),
    '/vendor/swagger-ui.js': resolve('swagger-ui-dist/swagger-ui-bundle.js'),
    '/vendor/swagger-ui.css': resolve('swagger-ui-dist/swagger-ui.css'),
  };
}

/**
 * The page at `/` and the one of the contract at `/docs`, with all they need.
 * @param root the folder of the package
 * @param helpUrl the page's `Link` with `rel="help"` (RFC 8288), which it shows
 */
export function staticFiles(root: string, helpUrl: string | undefined): Router {
  const publicDir = join(root, 'public');
  const page = join(publicDir, 'index.html');
  const router = Router({ caseSensitive: true, strict: true });
  const setHeaders = (res: Response, path: string): void => {
    revalidate(res);
    if (helpUrl !== undefined && path === page) res.setHeader('Link', `<${helpUrl}>; rel="help"`);
  };
  // A folder of no name would be served as the folder itself.
  router.use((req, _res, next) => next(req.path.includes('//') ? 'router' : undefined));
  router.use(express.static(publicDir, { redirect: false, setHeaders }));
  for (const [address, path] of Object.entries(addressed(root))) {
    router
      .route(address)
      .get((_req, res) => revalidate(res).sendFile(path, { cacheControl: false }))
      .all(methodNotAllowed('GET, HEAD'));
  }
  return router;
}
