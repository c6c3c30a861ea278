import { fileURLToPath } from 'node:url';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { PageSettings } from '../config/page.js';
import { ERRORS, LoginError, type ErrorCode } from '../core/errors.js';
import { sendJson, sendText, sinceArrival } from './json.js';
import { languageOf, wordsIn } from './login-page.js';
import { escapeHtml, htmlDocument, once, STYLE } from './page-template.js';
import { requestIdOf } from './protection.js';

/** RFC 9457. */
export function problemOf(error: LoginError, docsUrl: string, requestId: string): object {
  const [status, title] = ERRORS[error.code];
  return {
    type: `${docsUrl}#${error.code}`,
    title,
    status,
    detail: error.detail,
    error: error.code,
    instance: requestId,
    ...error.fields,
  };
}

export const notFound: RequestHandler = () => {
  throw new LoginError('not_found', 'Paths are case-sensitive and have no trailing slash.');
};

export type Failed = (error: LoginError, request: { id: string; route: string; ms: number }) => void;

export const reportFailure = (failed: Failed, error: LoginError, res: Response): void =>
  failed(error, { id: requestIdOf(res), route: `${res.req.method} ${res.req.path}`, ms: sinceArrival(res) });

function setErrorHeaders(res: Response, { code, status, fields }: LoginError): Response {
  if (fields.retry_after !== undefined) res.setHeader('Retry-After', fields.retry_after);
  // A 401 has a challenge (RFC 9110 section 15.5.2), and `HttpURLConnection` of Android may throw
  // without one. No scheme is registered for cookies.
  if (status === 401 && !res.hasHeader('WWW-Authenticate'))
    res.setHeader('WWW-Authenticate', code === 'invalid_signature' ? 'Bearer' : 'Cookie realm="login"');
  return res;
}

export function sendProblem(res: Response, error: LoginError, docsUrl: string): void {
  sendJson(setErrorHeaders(res, error), {
    status: error.status,
    body: problemOf(error, docsUrl, requestIdOf(res)),
    type: 'application/problem+json',
  });
}

interface ProblemDeps {
  page: PageSettings;
  /** The URL that the routes are mounted at. */
  base: string;
  /** Where the user can begin again. */
  home: string;
  /** Whether `public/` is served too, with its style sheet and logo. */
  hasPage: boolean;
  failed: Failed;
}

/** Whether a person will see the answer. SDKs ask for HTML too, so `Accept` does not say it. */
const isNavigation = ({ headers }: Request): boolean => headers['sec-fetch-dest'] === 'document';

/**
 * Answers errors: programs get a problem, people a page with the same status, which says what
 * happened and what to do.
 */
export function problemHandler(deps: ProblemDeps): ErrorRequestHandler {
  const { base, failed } = deps;
  const sendPage = errorPages(deps);
  // Express counts the parameters.
  return (thrown: unknown, req: Request, res: Response, _next) => {
    const error = thrown instanceof LoginError ? thrown : asLoginError(thrown);
    reportFailure(failed, error, res);
    if (res.headersSent) return void res.destroy();
    if (isNavigation(req)) sendPage(setErrorHeaders(res, error), error);
    else sendProblem(res, error, `${base}/errors.md`);
  };
}

/** By the `type` or the `status` of errors of Express and its body parser. */
const BY_TYPE_OR_STATUS = new Map<unknown, [ErrorCode, string]>([
  ['entity.parse.failed', ['invalid_request', 'The body has to be a JSON object.']],
  [400, ['invalid_request', 'The request cannot be read.']],
  [413, ['payload_too_large', 'The body must not exceed 16 KiB.']],
  [415, ['unsupported_media_type', 'Send application/json in UTF-8, uncompressed.']],
]);

function asLoginError(thrown: unknown): LoginError {
  const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : 500;
  const otherwise: [ErrorCode, string] =
    status >= 400 && status < 500
      ? ['invalid_request', 'The request is not valid.']
      : ['internal_error', 'The server log has the error under this instance id.'];
  const type = thrown instanceof Error && 'type' in thrown ? thrown.type : undefined;
  const [code, detail] = BY_TYPE_OR_STATUS.get(type) ?? BY_TYPE_OR_STATUS.get(status) ?? otherwise;
  return new LoginError(code, detail, { cause: thrown });
}

function errorPages({ page, home, hasPage }: ProblemDeps) {
  const { brand, logoUrl } = page;
  const logo = hasPage && logoUrl ? `<img src="${escapeHtml(logoUrl)}" alt="" />` : '';
  const header = logo || brand ? `<p class="brand">${logo}${escapeHtml(brand)}</p>\n` : '';
  const words = once(readWords);
  return (res: Response, error: LoginError): void => {
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
    const html = htmlDocument({ lang, title, style: hasPage ? STYLE : '', main });
    res.vary('Sec-Fetch-Dest').vary('Accept-Language');
    res.setHeader('Content-Security-Policy', policyFor(hasPage ? logoUrl : undefined));
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
