import type { IRouter, RequestHandler, Response } from 'express';
import { randomToken } from '../../core/world.js';
import { PATHS } from '../http/paths.js';
import { bodyText, handlePath, requireMediaType } from '../http/requests.js';
import type { AuthorizationCode } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { requireApplicationJwt } from './application-jwt.js';

/** CAMARA's maximum. */
const TOKEN_TTL_SECONDS = 300;

const refuse = (res: Response, error: string, error_description: string): void =>
  void res.status(400).json({ error, error_description });

/** Returns the authorization code, or why it is invalid. Uses it up in either case. */
const redeemCode = (state: SandboxState, value: string, redirectUri: string): AuthorizationCode | string => {
  const { codes, tokens, subscribers, world } = state;
  const code = codes.get(value);
  if (!code) return 'The authorization code is unknown.';
  if (code.isUsed) {
    if (code.token !== null) tokens.delete(code.token);
    return 'The authorization code was already used; the token it gave is revoked.';
  }
  code.isUsed = true;
  if (world.now() >= code.expiresAt) return 'The authorization code has expired.';
  if (redirectUri !== state.redirectUri) return 'redirect_uri is not the one of the authorization request.';
  const isRefused = subscribers.silentBehaviourOf(code.number) === 'invalid_grant';
  return isRefused ? 'The authorization code is invalid.' : code;
};

/** The lifetime in the token response, or the default if that is not a number. */
const lifetimeSeconds = (expiresIn: number | string | null): number => {
  const seconds = Number(expiresIn ?? TOKEN_TTL_SECONDS);
  return Number.isFinite(seconds) ? seconds : TOKEN_TTL_SECONDS;
};

const issueToken = (state: SandboxState, code: AuthorizationCode): object => {
  const { tokenResponse, tokens, world } = state;
  const { expires_in = TOKEN_TTL_SECONDS, ...others } = tokenResponse;
  const access_token = randomToken(world);
  const { number, sim, scopes } = code;
  tokens.set(access_token, {
    number,
    sim,
    scopes,
    expiresAt: world.now() + lifetimeSeconds(expires_in) * 1000,
  });
  code.token = access_token;
  return { access_token, token_type: 'Bearer', ...(expires_in !== null && { expires_in }), ...others };
};

const exchange =
  (state: SandboxState): RequestHandler =>
  (req, res) => {
    res.set('Cache-Control', 'no-store');
    const form = new URLSearchParams(bodyText(req));
    // OAuth forbids repeated fields (RFC 6749, 3.2).
    const single = [...form].filter(([name]) => form.getAll(name).length === 1);
    const { grant_type, code: value, redirect_uri } = Object.fromEntries(single);
    if (grant_type && grant_type !== 'authorization_code') {
      refuse(res, 'unsupported_grant_type', 'grant_type must be authorization_code.');
    } else if (!grant_type || !value || !redirect_uri || single.length < form.size) {
      refuse(res, 'invalid_request', 'grant_type, code and redirect_uri are required, each once.');
    } else {
      const code = redeemCode(state, value, redirect_uri);
      if (typeof code === 'string') refuse(res, 'invalid_grant', code);
      else res.json(issueToken(state, code));
    }
  };

/** `POST /oauth2/token`: exchanges an authorization code for an access token. */
export const tokenRoutes = (state: SandboxState, router: IRouter): void => {
  const form = requireMediaType('application/x-www-form-urlencoded');
  handlePath(router, PATHS.token, { post: [requireApplicationJwt(state), form, exchange(state)] });
};
