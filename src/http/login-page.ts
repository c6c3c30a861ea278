import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Router, type Request, type Response } from 'express';
import type { PageSettings } from '../config/page.js';
import { SetupError } from '../core/errors.js';
import { methodNotAllowed } from './json.js';
import { renderPage, type Words } from './page-template.js';

/** The login page in each language, its script and its style, compressed, from memory. */

interface File {
  type: string;
  bytes: Buffer;
  etag: string;
  compressed: Record<'br' | 'gzip', Buffer>;
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html' };

/** @param made the compressed copies, if there are any yet */
function fileOf(name: string, bytes: Buffer, made?: File['compressed']): File {
  return {
    type: `${TYPES[extname(name)] ?? 'application/octet-stream'}; charset=utf-8`,
    bytes,
    etag: `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    compressed: made ?? { br: brotliCompressSync(bytes), gzip: gzipSync(bytes) },
  };
}

/** Sends a file in the smallest encoding that the client accepts, or 304 if the client has it. */
function send(req: Request, res: Response, file: File): void {
  res.vary('Accept-Encoding');
  res.setHeader('ETag', file.etag);
  if (req.fresh) return void res.status(304).end();
  res.setHeader('Content-Type', file.type);
  // Browsers accept all alike, and Brotli is the smallest.
  const encoding = (['br', 'gzip'] as const).find((each) => req.acceptsEncodings(each) === each);
  const bytes = encoding === undefined ? file.bytes : file.compressed[encoding];
  if (encoding !== undefined) res.setHeader('Content-Encoding', encoding);
  res.setHeader('Content-Length', bytes.length);
  res.end(bytes);
}

const LANGUAGE_COOKIE = 'lang';
const YEAR_SECONDS = 365 * 24 * 3600;

/** @throws SetupError if the script and the style were not built */
export function loginPage(
  root: string,
  settings: PageSettings & { silent: boolean; secure: boolean },
): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const files = builtFiles(join(root, 'dist', 'page'), settings);
  const pages = pagesByLanguage(root, { ...settings, files: [...files.keys()] });
  const languages = [...pages.keys()];

  router.get('/', (req, res) => {
    const chosen = languages.find((name) => name === req.query['lang']);
    const language = chosen ?? languageOf(req, languages);
    if (chosen !== undefined)
      res.setHeader(
        'Set-Cookie',
        `${LANGUAGE_COOKIE}=${chosen}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${settings.secure ? '; Secure' : ''}`,
      );
    res.vary('Accept-Language').vary('Cookie');
    res.setHeader('Cache-Control', 'no-cache');
    res.setHeader('Content-Language', language);
    send(req, res, (pages.get(language) ?? pages.get('en'))?.() as File);
  });
  router.all('/', methodNotAllowed('GET, HEAD'));
  for (const [path, file] of files) {
    router.get(path, (req, res) => {
      res.setHeader('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`);
      // The policy of the page counts, and this one is 130 bytes shorter.
      res.setHeader('Content-Security-Policy', "default-src 'none'");
      send(req, res, file);
    });
    router.all(path, methodNotAllowed('GET, HEAD'));
  }
  const shared = join(root, 'public', 'pages.css');
  if (settings.accent !== undefined && existsSync(shared)) {
    const file = fileOf(shared, painted(readFileSync(shared), settings.accent));
    router.get('/pages.css', (req, res) => {
      res.setHeader('Cache-Control', 'no-cache');
      send(req, res, file);
    });
  }
  return router;
}

/** The language that the user chose on the login page, or that the browser asks for. */
export function languageOf(req: Request, languages: string[]): string {
  const kept = cookieOf(req);
  // Without a preference, the first one is taken.
  const accepted = req.acceptsLanguages('en', ...languages) || 'en';
  return languages.find((name) => name === kept) ?? accepted;
}

const cookieOf = ({ headers }: Request): string | undefined =>
  /(?:^|;\s*)lang=([a-z]{2})(?:;|$)/.exec(headers.cookie ?? '')?.[1];

/** By path, such as `/page/page-3F2A.js`, whose name has a hash of the content; sorted. */
function builtFiles(folder: string, { accent }: PageSettings): Map<string, File> {
  if (!existsSync(folder)) throw new SetupError(`${folder} is missing: run "npm run build" first.`);
  const names = readdirSync(folder)
    .filter((name) => /\.(?:js|css)$/.test(name))
    .sort();
  return new Map(
    names.map((name) => {
      const bytes = readFileSync(join(folder, name));
      if (accent !== undefined && name.endsWith('.css')) {
        const style = painted(bytes, accent);
        const hash = createHash('sha256').update(style).digest('hex').slice(0, 8).toUpperCase();
        return [`/page/style-${hash}.css`, fileOf(name, style)] as const;
      }
      const [br, gzip] = ['.br', '.gz'].map((end) => readFileSync(join(folder, name + end)));
      return [`/page/${name}`, fileOf(name, bytes, br && gzip && { br, gzip })] as const;
    }),
  );
}

function painted(style: Buffer, { light, dark }: NonNullable<PageSettings['accent']>): Buffer {
  const rule = `:root{--accent:light-dark(${light.color},${dark.color});--on-accent:light-dark(${light.on},${dark.on})}`;
  return Buffer.concat([style, Buffer.from(rule)]);
}

/** Each page is rendered and compressed when it is first asked for. */
function pagesByLanguage(
  root: string,
  settings: Parameters<typeof renderPage>[1]['settings'],
): Map<string, () => File> {
  const folder = join(root, 'public');
  const template = readFileSync(join(folder, 'index.html'), 'utf8');
  const words = wordsIn(join(folder, 'words'));
  // Without words, the folder holds a page of the operator's own, which is no template.
  if (words.size === 0) return new Map([['en', () => fileOf('index.html', Buffer.from(template))]]);
  const languages = [...words].map(([code, { language }]) => ({ code, name: language }));
  return new Map(
    [...words].map(([language, texts]) => {
      let made: File | undefined;
      const render = (): string => renderPage(template, { language, languages, words: texts, settings });
      return [language, () => (made ??= fileOf('index.html', Buffer.from(render())))];
    }),
  );
}

/** The files in `public/words`, by language. */
export function wordsIn(folder: string): Map<string, Words> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(
    names.map((name) => [
      name.replace('.json', ''),
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as Words,
    ]),
  );
}
