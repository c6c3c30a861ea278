import type { IRouter, RequestHandler } from 'express';
import { PATHS } from '../http/paths.js';
import { handlePath, requireMediaType } from '../http/requests.js';
import {
  invalidCodeRequest,
  issueToken,
  redeemCode,
  sendOAuthError,
  tokenRequest,
} from '../operator/grants.js';
import type { SandboxState } from '../state/state.js';
import { requireApplicationJwt } from './application-jwt.js';

const exchange =
  (state: SandboxState): RequestHandler =>
  (req, res) => {
    res.set('Cache-Control', 'no-store');
    const invalid = invalidCodeRequest(req, ['code', 'redirect_uri']);
    const code = invalid ?? redeemCode(state, state, tokenRequest(req));
    if ('error' in code) sendOAuthError(res, code);
    else res.json(issueToken(state, state.tokens, code));
  };

/** `POST /oauth2/token`: exchanges an authorization code for an access token. */
export const tokenRoutes = (state: SandboxState, router: IRouter): void => {
  const form = requireMediaType('application/x-www-form-urlencoded');
  handlePath(router, PATHS.token, { post: [requireApplicationJwt(state), form, exchange(state)] });
};
