import { fileURLToPath } from 'node:url';
import type { Request, Response } from 'express';
import type { PageSettings } from '../config/page.js';
import type { ErrorCode, LoginError } from '../core/errors.js';
import { sendText } from './json.js';
import { languageOf, wordsIn } from './login-page.js';
import { escapeHtml, isRightToLeft } from './page-template.js';
import { requestIdOf } from './protection.js';

/** The icon and the style sheets of `public/`. */
export const STYLE = `
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/style.css" />
    <link rel="stylesheet" href="/pages.css" />`;

interface Document {
  lang: string;
  title: string;
  /** HTML of the head. */
  style: string;
  /** HTML. */
  main: string;
}

/** A page without scripts, which runs under the strictest policy. */
export const htmlDocument = ({ lang, title, style, main }: Document): string => `<!doctype html>
<html lang="${lang}" dir="${isRightToLeft(lang) ? 'rtl' : 'ltr'}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escapeHtml(title)}</title>${style}
  </head>
  <body>
    <main>
${main}
    </main>
  </body>
</html>
`;

/** Runs `make` at the first request, because most servers never need most of their pages. */
export function once<T>(make: () => T): () => T {
  let made: { it: T } | undefined;
  return () => (made ??= { it: make() }).it;
}

/** Whether a person will see the answer. SDKs ask for HTML too, so `Accept` does not say it. */
export const isNavigation = ({ headers }: Request): boolean => headers['sec-fetch-dest'] === 'document';

export type SendErrorPage = (res: Response, error: LoginError) => void;

export interface ErrorPageOptions {
  page: PageSettings;
  /** Where the user can begin again. */
  home: string;
  /** Whether `public/` is served too, with its style sheet and logo. */
  styled: boolean;
}

/** Answers a navigation that failed with a page: what happened, and what to do. */
export function errorPages({ page, home, styled }: ErrorPageOptions): SendErrorPage {
  const { brand, logoUrl } = page;
  const logo = styled && logoUrl ? `<img src="${escapeHtml(logoUrl)}" alt="" />` : '';
  const header = logo || brand ? `<p class="brand">${logo}${escapeHtml(brand)}</p>\n` : '';
  const words = once(readWords);
  return (res, error) => {
    const lang = languageOf(res.req, [...words().keys()]);
    const {
      [kindOf(error.code)]: { title, text },
      ...link
    } = words().get(lang) as Words;
    const main = `${header}<section class="card visit">
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(text)}</p>
<p><a class="button" href="${escapeHtml(home)}">${escapeHtml(link.home)}</a></p>
<p class="quiet">${escapeHtml(link.reference)}: <code>${error.code} ${escapeHtml(requestIdOf(res))}</code></p>
</section>`;
    const html = htmlDocument({ lang, title, style: styled ? STYLE : '', main });
    res.vary('Sec-Fetch-Dest').vary('Accept-Language');
    res.setHeader('Content-Security-Policy', policyFor(styled ? logoUrl : undefined));
    sendText(res, { status: error.status, text: html, type: 'text/html; charset=utf-8' });
  };
}

function policyFor(logoUrl = ''): string {
  const images = URL.canParse(logoUrl) ? `'self' ${new URL(logoUrl).origin}` : "'self'";
  return `default-src 'none';style-src 'self';img-src ${images};form-action 'none';base-uri 'none';frame-ancestors 'none'`;
}

/** The section `visit` of a file in `public/words`. */
type Words = Record<'home' | 'reference', string> & Record<Kind, { title: string; text: string }>;
type Kind = (typeof KINDS)[keyof typeof KINDS] | 'otherwise';

const WORDS_FOLDER = fileURLToPath(new URL('../../public/words', import.meta.url));

/** The words of the package, by language. */
function readWords(): Map<string, Words> {
  const words = wordsIn(WORDS_FOLDER);
  return new Map([...words].map(([language, { visit }]) => [language, visit as Words]));
}

const KINDS = {
  not_found: 'not_found',
  wrong_client: 'wrong_client',
  login_expired: 'login_expired',
  invalid_request: 'invalid_request',
  too_many_attempts: 'rate_limited',
  rate_limited: 'rate_limited',
  internal_error: 'unavailable',
  upstream_error: 'unavailable',
  unavailable: 'unavailable',
  upstream_timeout: 'unavailable',
} as const satisfies Partial<Record<ErrorCode, string>>;

const kindOf = (code: ErrorCode): Kind => (code in KINDS ? KINDS[code as keyof typeof KINDS] : 'otherwise');
