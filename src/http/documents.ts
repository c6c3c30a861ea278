import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { Router, type RequestHandler, type Response } from 'express';
import type { PageSettings } from '../config/page.js';
import type { Store } from '../store/store.js';
import { LoginError } from '../core/errors.js';
import type { Contract } from './contract-page.js';
import { methodNotAllowed, sendJson } from './json.js';
import { htmlDocument, once, STYLE } from './page-template.js';

const newRouter = (): Router => Router({ caseSensitive: true, strict: true });

const getOnly = (router: Router, path: string, handler: RequestHandler): Router =>
  router.get(path, handler).all(path, methodNotAllowed('GET, HEAD'));

/** Browsers revalidate a cached answer each time, so that they use a new version at once. */
const revalidate = (res: Response): Response => res.setHeader('Cache-Control', 'no-cache');

/** Files are sent whole: an invalid range would need a 416, which the contract lacks. */
const FILE_OPTIONS = { acceptRanges: false, cacheControl: false };

/** The files in `public/`, and the built client. */
export function staticFiles(root: string): Router {
  const router = newRouter();
  // A folder with an empty name would be served as its parent. `index.html` is a template.
  const isNoFile = (path: string): boolean => path.includes('//') || decoded(path) === '/index.html';
  router.use((req, _res, next) => next(isNoFile(req.path) ? 'router' : undefined));
  const options = { ...FILE_OPTIONS, index: false, redirect: false, setHeaders: revalidate };
  router.use(express.static(join(root, 'public'), options));
  const client = join(root, 'dist', 'client', 'silent-auth.js');
  return getOnly(router, '/client.js', (_req, res) => revalidate(res).sendFile(client, FILE_OPTIONS));
}

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** The file of `LOGO_URL`. Opened as a page, an SVG can run no script. */
export function logo({ logoUrl, logoFile }: Pick<PageSettings, 'logoUrl' | 'logoFile'>): Router {
  const router = newRouter();
  if (logoUrl === undefined || logoFile === undefined) return router;
  return getOnly(router, logoUrl, (_req, res) => {
    res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    revalidate(res).type(logoFile.type).send(logoFile.bytes);
  });
}

/**
 * The contract: `GET /openapi.json` for programs, `GET /docs` for people. The parsers of YAML and
 * Markdown take a twentieth of the start, so they are loaded when they are first needed.
 */
export function contract(root: string, publicUrl: string): Router {
  const read = once(async () => {
    const { parse } = await import('yaml');
    return parse(readFileSync(join(root, 'openapi.yaml'), 'utf8')) as Contract;
  });
  const page = once(async () => {
    const { contractPage } = await import('./contract-page.js');
    return contractPage(await read(), publicUrl);
  });
  const router = newRouter();
  getOnly(router, '/docs', async (_req, res) => {
    const html = await page();
    revalidate(res).type('html').send(html);
  });
  return getOnly(router, '/openapi.json', async (_req, res) =>
    sendJson(revalidate(res), { status: 200, body: await read() }),
  );
}

/**
 * `GET /errors.md`, the target of every problem's `type`: HTML for browsers, otherwise Markdown
 * (RFC 9110 section 12.5.1).
 * @param styled whether `public/` is served too, with its style sheet and icon
 */
export function errorsPage(router: Router, root: string, styled: boolean): void {
  const file = join(root, 'docs', 'errors.md');
  const page = once(() => pageOf(readFileSync(file, 'utf8'), styled ? STYLE : ''));
  getOnly(router, '/errors.md', async (req, res) => {
    revalidate(res).vary('Accept');
    // A host app may add its cookie to this answer, so shared caches must not store it.
    if (!styled) res.setHeader('Cache-Control', 'private, no-cache');
    if (req.accepts(['text/markdown', 'text/html']) === 'text/html') res.type('html').send(await page());
    else res.type('text/markdown; charset=utf-8').sendFile(file, FILE_OPTIONS);
  });
}

async function pageOf(markdown: string, style: string): Promise<string> {
  const { Marked } = await import('marked');
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${text.toLowerCase()}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  const main = `<article>${marked.parse(markdown, { async: false })}</article>`;
  return htmlDocument({ lang: 'en', title: 'Errors', style, main });
}

/**
 * `GET /healthz`: the process answers. `GET /readyz`: the store accepts writes too.
 * @param stopping aborted when the server is to get no more requests
 */
export function healthRoutes(store: Store, stopping?: AbortSignal): Router {
  const router = newRouter();
  const ok = { status: 200, body: { status: 'ok' } };
  getOnly(router, '/healthz', (_req, res) => sendJson(res, ok));
  return getOnly(router, '/readyz', async (_req, res) => {
    if (stopping?.aborted)
      throw new LoginError('unavailable', 'This server is stopping.', { retry_after: 1 });
    await store.ping();
    sendJson(res, ok);
  });
}
