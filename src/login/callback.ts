import type { Request, RequestHandler, Response, Router } from 'express';
import { LoginError } from '../core/errors.js';
import type { Sessions } from './routes.js';
import { methodNotAllowed, sendJson } from '../http/answers.js';
import { tellFailure, type Failed } from '../http/problems.js';
import { requestIdOf } from '../http/protection.js';
import type { Flow } from './flow.js';
import type { Arrival } from './exchange.js';
import { clientOf } from './tickets.js';

/** An authorization code: visible ASCII (RFC 6749 appendix A.11), and no longer than any operator's. */
const AUTHORIZATION_CODE = /^[\x21-\x7e]{1,8192}$/;

type Query = Pick<Arrival, 'state' | 'client' | 'result'>;

/**
 * `GET /callback`: where the redirects end. Who reads the answer was settled when the login began, and travels in the
 * state; `Accept` and `User-Agent` say nothing, since the SDKs ask for HTML.
 * @param home where browsers go from here, with what happened in the fragment
 */
export function callbackRoutes(
  router: Router,
  flow: Flow,
  sessions: Sessions,
  home: string,
  failed: Failed,
): void {
  // The session of an app is not here: its SDK has a cookie jar of its own. Only a browser's is looked up.
  const loadForBrowsers: RequestHandler = (req, res, next) => {
    const { state } = req.query;
    if (typeof state !== 'string' || clientOf(state) !== 'browser') {
      next();
      return;
    }
    void sessions.load(req, res, (error?: unknown) => {
      if (error instanceof LoginError) sendHome(req, res, error);
      else next(error);
    });
  };
  const goHome = (res: Response, outcome: Record<string, string>): void =>
    redirect(res, `${home}#${new URLSearchParams(outcome).toString()}`);
  /** A browser is sent to a page, which says in words what happened. */
  const sendHome = (req: Request, res: Response, error: LoginError): void => {
    tellFailure(failed, error, req, res);
    goHome(res, inFragment(error));
  };

  const answer = async (req: Request, res: Response): Promise<void> => {
    const query = readQuery(req.query);
    const forBrowser = query.client === 'browser';
    const isBrowser = req.headers['sec-fetch-dest'] !== undefined;
    const login = forBrowser ? sessions.holder(req).login : undefined;
    try {
      const { loginId, code } = await flow.returned({ ...query, isBrowser, login }, requestIdOf(res));
      const outcome = { login_id: loginId, code };
      if (forBrowser) goHome(res, outcome);
      else sendJson(res, 200, outcome);
    } catch (error) {
      if (!(forBrowser && error instanceof LoginError)) throw error;
      sendHome(req, res, error);
    }
  };

  router
    .route('/callback')
    // Express would let GET answer a HEAD, and a link preview would spend the state.
    .head(methodNotAllowed('GET'))
    .get(closeAfterwards, refuseWithoutVisit, loadForBrowsers, answer)
    .all(methodNotAllowed('GET'));
}

/** SDKs read until the connection closes, or wait for seconds if it does not. */
const closeAfterwards: RequestHandler = (_req, res, next) => {
  res.setHeader('Connection', 'close');
  next();
};

/**
 * The headers of a request that a browser makes ahead of a visit that may not come (prefetch,
 * prerender, preview).
 */
const SPECULATION_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

/**
 * Refuses what would use up a link without a visit: an image, a frame or a script of another page,
 * and a speculation of the browser, which discards an error and asks again when the user comes (W3C
 * Prefetch, "Sec-Purpose").
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

/** Each parameter once (RFC 6749 section 3.1), a state of ours, and either a code or an error; others are ignored. */
function readQuery(query: Request['query']): Query {
  const one = (name: string): string | undefined => {
    const value = query[name];
    if (value !== undefined && typeof value !== 'string') throw invalid(`\`${name}\` stands more than once.`);
    return value;
  };
  const [state, code, error] = [one('state'), one('code'), one('error')];
  one('error_description');
  const client = state && clientOf(state);
  if (!state || !client) throw invalid('`state` is missing or not one of ours.');
  if ((code === undefined) === (error === undefined))
    throw invalid('Either `code` or `error` has to be there.');
  if (error !== undefined) return { state, client, result: { error } };
  if (code === undefined || !AUTHORIZATION_CODE.test(code))
    throw invalid('`code` is not an authorization code.');
  return { state, client, result: { authorizationCode: code } };
}

const invalid = (detail: string): LoginError => new LoginError('invalid_request', detail);

/** Our own words, for our own page. What the operator said is never repeated to anyone. */
const inFragment = (error: LoginError): Record<string, string> => ({
  error: error.code,
  error_description: error.detail,
  ...(error.fields.reason && { reason: error.fields.reason }),
});

function redirect(res: Response, location: string): void {
  res.statusCode = 303;
  res.setHeader('Location', location);
  res.setHeader('Content-Length', 0);
  res.end();
}
