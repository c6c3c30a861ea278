import type { IRouter, RequestHandler } from 'express';
import { PATHS } from '../http/paths.js';
import { handlePath, requireMediaType } from '../http/requests.js';
import {
  invalidCodeRequest,
  issueToken,
  sendOAuthError,
  takeCode,
  tokenRequest,
} from '../operator/grants.js';
import type { AuthorizationCode } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { requireApplicationJwt } from './application-jwt.js';

/** Returns the authorization code, or why it is invalid. Uses it up in either case. */
const redeemCode = (state: SandboxState, value = '', redirectUri = ''): AuthorizationCode | string => {
  const code = takeCode(state, value, state.world.now());
  if (typeof code === 'string') return code;
  if (redirectUri !== state.redirectUri) return 'redirect_uri is not the one of the authorization request.';
  const isRefused = state.subscribers.silentBehaviourOf(code.number) === 'invalid_grant';
  return isRefused ? 'The authorization code is invalid.' : code;
};

const exchange =
  (state: SandboxState): RequestHandler =>
  (req, res) => {
    res.set('Cache-Control', 'no-store');
    const invalid = invalidCodeRequest(req, ['code', 'redirect_uri']);
    if (invalid) {
      sendOAuthError(res, invalid);
      return;
    }
    const { code: value, redirect_uri } = tokenRequest(req);
    const code = redeemCode(state, value, redirect_uri);
    if (typeof code === 'string') sendOAuthError(res, { error: 'invalid_grant', error_description: code });
    else res.json(issueToken(state, state.tokens, code));
  };

/** `POST /oauth2/token`: exchanges an authorization code for an access token. */
export const tokenRoutes = (state: SandboxState, router: IRouter): void => {
  const form = requireMediaType('application/x-www-form-urlencoded');
  handlePath(router, PATHS.token, { post: [requireApplicationJwt(state), form, exchange(state)] });
};
