import type { Request, Response } from 'express';
import type { PageSettings } from '../config/page.js';
import type { ErrorCode, LoginError } from '../core/errors.js';
import { sendText } from './json.js';
import { requestIdOf } from './protection.js';

/** Text for HTML, between tags and in quoted attributes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The head of a page that has the icon and a style sheet of `public/`. */
export const styleOf = (sheet: 'docs' | 'style'): string => `
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/${sheet}.css" />`;

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
<html lang="${lang}" dir="${lang === 'ar' ? 'rtl' : 'ltr'}">
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
  return (res, error) => {
    const lang = res.req.acceptsLanguages(Object.keys(WORDS)) || 'en';
    const words = WORDS[lang] ?? ENGLISH;
    const { title, text } = words[kindOf(error.code)];
    const main = `${header}<section class="card">
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(text)}</p>
<p><a class="button" href="${escapeHtml(home)}">${escapeHtml(words.home)}</a></p>
<p class="quiet">${escapeHtml(words.reference)} <code>${error.code} ${escapeHtml(requestIdOf(res))}</code></p>
</section>`;
    const html = htmlDocument({ lang, title, style: styled ? styleOf('style') : '', main });
    res.vary('Sec-Fetch-Dest').vary('Accept-Language');
    res.setHeader('Content-Security-Policy', policyFor(styled ? logoUrl : undefined));
    sendText(res, { status: error.status, text: html, type: 'text/html; charset=utf-8' });
  };
}

function policyFor(logoUrl = ''): string {
  const images = URL.canParse(logoUrl) ? `'self' ${new URL(logoUrl).origin}` : "'self'";
  return `default-src 'none';style-src 'self';img-src ${images};form-action 'none';base-uri 'none';frame-ancestors 'none'`;
}

const ENGLISH = {
  home: 'Go to the start page',
  reference: 'Reference:',
  not_found: { title: 'This page does not exist', text: 'The address is wrong or out of date.' },
  wrong_client: {
    title: 'This link belongs to an app',
    text: 'Go back to the app where you began to log in, and try again there. If you did not begin, close this page.',
  },
  login_expired: {
    title: 'This link no longer works',
    text: 'It was used before or is too old. Start the login again.',
  },
  invalid_request: {
    title: 'This link is not complete',
    text: 'Part of it is missing or was changed. Start the login again.',
  },
  rate_limited: { title: 'Too many attempts', text: 'Please wait a few minutes before you try again.' },
  unavailable: { title: 'Logging in does not work right now', text: 'Please try again in a moment.' },
  otherwise: { title: 'This did not work', text: 'Start again from the start page.' },
};

type Words = typeof ENGLISH;
type Kind = Exclude<keyof Words, 'home' | 'reference'>;

/** By language. */
const WORDS: Record<string, Words> = { en: ENGLISH };

const KINDS: Partial<Record<ErrorCode, Kind>> = {
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
};

const kindOf = (code: ErrorCode): Kind => KINDS[code] ?? 'otherwise';
