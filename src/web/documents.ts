import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Router } from 'express';
import { Marked } from 'marked';
import { parse } from 'yaml';
import { methodNotAllowed, sendJson } from './answers.js';
import { revalidate } from './static.js';

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
    .get((_req, res) => sendJson(revalidate(res), 200, read()))
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
