import { getCountries, getCountryCallingCode } from 'libphonenumber-js/max';
import type { PageSettings } from '../config/page.js';

/**
 * Fills the texts and settings into `public/index.html`, which is in English, and makes the HTML
 * around pages without a script.
 */

interface Branch {
  [name: string]: string | Branch;
}

/** A file in `public/words`. */
export interface Words extends Branch {
  /** Its own name. */
  language: string;
}

export interface PageOptions {
  language: string;
  words: Words;
  /** All languages of the page, with their own names. */
  languages: readonly { code: string; name: string }[];
  settings: PageSettings & {
    silent: boolean;
    /** The paths of the scripts and the style, in the order in which the page needs them. */
    files: readonly string[];
  };
}

/** Text for HTML, between tags and in quoted attributes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * Replaces the text of elements with `data-text`, the label of those with `data-label`, and the
 * comments that name a part.
 */
export function renderPage(template: string, options: PageOptions): string {
  const { language, words } = options;
  const textOf = (path: string): string => {
    const found = path
      .split('.')
      .reduce<string | Branch | undefined>(
        (part, name) => (typeof part === 'object' ? part[name] : undefined),
        words,
      );
    if (typeof found !== 'string') throw new Error(`the words of ${language} have no ${path}`);
    return escapeHtml(found);
  };
  return template
    .replace(
      '<html lang="en" dir="ltr">',
      `<html lang="${language}" dir="${isRightToLeft(language) ? 'rtl' : 'ltr'}">`,
    )
    .replace(
      /aria-label="[^"]*"\s+data-label="([\w.]+)"/g,
      (_, path: string) => `aria-label="${textOf(path)}"`,
    )
    .replace(
      /\s+data-text="([\w.]+)"([^>]*)>[^<]*</g,
      (_, path: string, rest: string) => `${rest}>${textOf(path)}<`,
    )
    .replace(/<!-- (files|brand|countries|footer|data) -->/g, (_, part: keyof typeof PARTS) =>
      PARTS[part](options, textOf),
    )
    .replace(/<!--[^]*?-->/g, '')
    .replace(/\n\s+/g, '\n');
}

const isRightToLeft = (language: string): boolean => ['ar', 'fa', 'he', 'ur'].includes(language);

/** Without the texts of other pages, and those that stand in the page and never change. */
function wordsForScript(words: Words, explain: boolean): Branch {
  const unused = ['visit', 'language', 'title', 'unready', 'noScript', 'footer', 'otherPhone'];
  if (!explain) unused.push('explain');
  return Object.fromEntries(Object.entries(words).filter(([name]) => !unused.includes(name)));
}

const PARTS: Record<
  'files' | 'brand' | 'countries' | 'footer' | 'data',
  (options: PageOptions, textOf: (path: string) => string) => string
> = {
  files: ({ settings: { files } }) =>
    files
      .map((path) => {
        if (path.endsWith('.css')) return `<link rel="stylesheet" href="${path}" />`;
        return /^\/page\/(?:first|page)-/.test(path) ? `<script type="module" src="${path}"></script>` : '';
      })
      .join(''),
  brand: ({ settings: { brand, logoUrl } }) => {
    const name = escapeHtml(brand);
    if (logoUrl !== undefined) return `<img src="${escapeHtml(logoUrl)}" alt="${name}" />`;
    const initial = escapeHtml(/^./u.exec(brand)?.[0] ?? '');
    return brand === ''
      ? ''
      : `<span class="initial" aria-hidden="true">${initial}</span><span>${name}</span>`;
  },
  // Their names would take three times as many bytes. The script writes them.
  countries: () =>
    getCountries()
      .sort()
      .map((code) => `<option>${code} +${getCountryCallingCode(code)}`)
      .join(''),
  footer: ({ language, languages, settings: { helpUrl, helpLabel } }, textOf) => {
    const label = helpLabel === undefined ? textOf('footer.help') : escapeHtml(helpLabel);
    const help = helpUrl === undefined ? '' : `<a href="${escapeHtml(helpUrl)}">${label}</a>`;
    const links = languages.map(({ code, name }) => {
      const current = code === language ? ' aria-current="true"' : '';
      return `<li><a href="?lang=${code}" lang="${code}" hreflang="${code}"${current}>${escapeHtml(name)}</a></li>`;
    });
    return `${help}<nav aria-label="${textOf('footer.languages')}"><details class="languages"><summary><svg aria-hidden="true" width="24" height="24"><use href="#globe"/></svg>${textOf('language')}<svg aria-hidden="true" width="24" height="24"><use href="#down"/></svg></summary><ul>${links.join('')}</ul></details></nav>`;
  },
  data: ({ words, settings: { silent, explain, continueUrl } }) => {
    const data = { words: wordsForScript(words, explain), settings: { silent, explain, continueUrl } };
    // In a data block, `<` could begin a tag that ends it.
    return `<script id="data" type="application/json">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`;
  },
};

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
