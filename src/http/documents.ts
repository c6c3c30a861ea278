import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express from 'express';
import { Router, type Response } from 'express';
import { methodNotAllowed, sendJson } from './json.js';
import { readFileSync } from 'node:fs';
import { Marked } from 'marked';
import { parse } from 'yaml';
import type { Store } from '../store/store.js';

/** Kept by browsers, but asked for again each time, so that a new version is seen at once. */
const revalidate = (res: Response): Response => res.setHeader('Cache-Control', 'no-cache');

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

/** Makes something the first time it is wanted: few who start the server ask for its documents. */
function once<T>(make: () => T): () => T {
  let made: { it: T } | undefined;
  return () => (made ??= { it: make() }).it;
}

/** `GET /openapi.json`: the contract, which is written in YAML. @param root the folder of the package */
export function contract(root: string): Router {
  const read = once(() => parse(readFileSync(join(root, 'openapi.yaml'), 'utf8')) as object);
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/openapi.json')
    .get((_req, res) => sendJson(revalidate(res), { status: 200, body: read() }))
    .all(methodNotAllowed('GET, HEAD'));
  return router;
}

/**
 * `GET /errors.md`: where the `type` of every problem leads, as a page for browsers and as its text for anybody else (RFC 9110
 * section 12.5.1).
 * @param root the folder of the package
 * @param styled whether `public/` is served beside it, with a style and an icon
 */
export function errorsPage(router: Router, root: string, styled: boolean): void {
  const file = join(root, 'docs', 'errors.md');
  const page = once(() => pageOf(readFileSync(file, 'utf8'), styled ? STYLE : ''));
  router
    .route('/errors.md')
    .get((req, res) => {
      revalidate(res).vary('Accept');
      // An app around us may set its cookie beside this answer, which no shared cache may keep.
      if (!styled) res.setHeader('Cache-Control', 'private, no-cache');
      if (req.accepts(['text/markdown', 'text/html']) === 'text/html') res.type('html').send(page());
      else res.type('text/markdown; charset=utf-8').sendFile(file, { cacheControl: false });
    })
    .all(methodNotAllowed('GET, HEAD'));
}

const STYLE = `
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/style.css" />`;

/** A page of a text of our own, each of whose headings can be linked to by its name. */
function pageOf(markdown: string, style: string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${text.toLowerCase()}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Errors</title>${style}
  </head>
  <body>
    <main>
<article>${marked.parse(markdown, { async: false })}</article>
    </main>
  </body>
</html>
`;
}

/** `GET /healthz`: the process answers. `GET /readyz`: the store takes writes too, so requests can be sent here. */
export function healthRoutes(store: Store): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/healthz')
    .get((_req, res) => sendJson(res, { status: 200, body: { status: 'ok' } }))
    .all(methodNotAllowed('GET, HEAD'));
  router
    .route('/readyz')
    .get(async (_req, res) => {
      await store.ping();
      sendJson(res, { status: 200, body: { status: 'ok' } });
    })
    .all(methodNotAllowed('GET, HEAD'));
  return router;
}
