import type { Request, RequestHandler, Response, Router } from 'express';
import { LoginError } from '../core/errors.js';
import type { Sessions } from './routes.js';
import { methodNotAllowed, sendJson } from '../http/json.js';
import { reportFailure, type Failed } from '../http/problems.js';
import { requestIdOf } from '../http/protection.js';
import type { Flow } from './flow.js';
import type { CallbackQuery } from './exchange.js';
import { clientOf } from './tickets.js';

/** An authorization code: visible ASCII (RFC 6749 appendix A.11). */
const AUTHORIZATION_CODE = /^[\x21-\x7e]{1,8192}$/;

/**
 * `GET /callback`, the end of the redirects. The state says whether an app or a browser reads the
 * answer; for an error without a state, `Sec-Fetch-Dest` does. `Accept` and `User-Agent` do not,
 * since the SDKs ask for HTML.
 *
 * A browser is redirected to `home`, with the outcome in the fragment.
 */
export function callbackRoutes(
  router: Router,
  { flow, sessions, home, failed }: { flow: Flow; sessions: Sessions; home: string; failed: Failed },
): void {
  // Only a browser has its session here: the SDK of an app has a cookie jar of its own.
  const loadForBrowsers: RequestHandler = (req, res, next) => {
    const { state } = req.query;
    if (typeof state !== 'string' || clientOf(state) !== 'browser') {
      next();
      return;
    }
    void sessions.load(req, res, (error?: unknown) => {
      if (error instanceof LoginError) sendHome(res, error);
      else next(error);
    });
  };
  const goHome = (res: Response, outcome: Record<string, string>): void => {
    res.statusCode = 303;
    res.setHeader('Location', `${home}#${new URLSearchParams(outcome).toString()}`);
    res.setHeader('Content-Length', 0);
    res.end();
  };
  const sendHome = (res: Response, error: LoginError): void => {
    reportFailure(failed, error, res);
    goHome(res, inFragment(error));
  };

  const answer = async (req: Request, res: Response): Promise<void> => {
    const isBrowser = req.headers['sec-fetch-dest'] !== undefined;
    const query = readQuery(req.query, isBrowser);
    const forBrowser = query.client === 'browser';
    const hasSession = forBrowser && query.state !== undefined;
    const login = hasSession ? sessions.loginSession(req).login : undefined;
    try {
      const { loginId, code } = await flow.exchange({ ...query, isBrowser, login }, requestIdOf(res));
      const outcome = { login_id: loginId, code };
      if (forBrowser) goHome(res, outcome);
      else sendJson(res, { status: 200, body: outcome });
    } catch (error) {
      if (!(forBrowser && error instanceof LoginError)) throw error;
      sendHome(res, error);
    }
  };

  router
    .route('/callback')
    // Express would let GET answer a HEAD, and a link preview would spend the state.
    .head(methodNotAllowed('GET'))
    .get(closeAfterwards, refuseWithoutVisit, loadForBrowsers, answer)
    .all(methodNotAllowed('GET'));
}

/** Some SDKs read until the connection closes. */
const closeAfterwards: RequestHandler = (_req, res, next) => {
  res.setHeader('Connection', 'close');
  next();
};

/** The headers with which a browser marks a prefetch, prerender or preview. */
const SPECULATION_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

/**
 * Refuses requests that would spend the state without a visit: an image, a frame or a script of
 * another page, and a speculation of the browser, which discards an error and repeats the request
 * when the user comes (W3C Prefetch, "Sec-Purpose").
 */
const refuseWithoutVisit: RequestHandler = (req, _res, next) => {
  const isSpeculation = SPECULATION_HEADERS.some((name) =>
    /prefetch|prerender|preview/i.test(String(req.headers[name] ?? '')),
  );
  if (isSpeculation)
    throw new LoginError('wrong_client', 'A prefetch does not open this link. Open it as a page.');
  const destination = req.headers['sec-fetch-dest'];
  if (destination !== undefined && destination !== 'document') {
    throw new LoginError('wrong_client', 'This link has to be opened as a page, or by an app.');
  }
  next();
};

/**
 * Reads `state`, `iss`, and `code` or `error`. Each may stand once (RFC 6749 section 3.1); others
 * are ignored.
 */
function readQuery(query: Request['query'], isBrowser: boolean): CallbackQuery {
  const one = (name: string): string | undefined => {
    const value = query[name];
    if (value !== undefined && typeof value !== 'string') throw invalid(`\`${name}\` stands more than once.`);
    return value;
  };
  // Some servers send all parameters, the unused ones empty.
  const [state, code, issuer] = ['state', 'code', 'iss'].map((name) => one(name) || undefined);
  const error = code === undefined ? one('error') : one('error') || undefined;
  one('error_description');
  if (state === undefined && code === undefined && error)
    return { client: isBrowser ? 'browser' : 'app', issuer, result: { error } };
  const client = state && clientOf(state);
  if (!state || !client) throw invalid('`state` is missing, or was not issued by this server.');
  if ((code === undefined) === (error === undefined))
    throw invalid('Either `code` or `error` has to be there.');
  if (error !== undefined) return { state, client, issuer, result: { error } };
  if (code === undefined || !AUTHORIZATION_CODE.test(code))
    throw invalid('`code` is not an authorization code.');
  return { state, client, issuer, result: { authorizationCode: code } };
}

const invalid = (detail: string): LoginError => new LoginError('invalid_request', detail);

/** Only our own error texts: what the operator said is never repeated. */
const inFragment = (error: LoginError): Record<string, string> => ({
  error: error.code,
  error_description: error.detail,
  ...(error.fields.reason && { reason: error.fields.reason }),
});
