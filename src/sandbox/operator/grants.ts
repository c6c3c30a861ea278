import type { Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import { bodyText } from '../http/requests.js';
import type { AuthorizationCode, Grant, Store } from '../state/records.js';
import type { SandboxState } from '../state/state.js';

/** CAMARA's maximum. */
const TOKEN_TTL_SECONDS = 300;

const CODE_TTL_MS = 60_000;

/** RFC 6749, 4.1.2.1 and 5.2. */
export interface OAuthError {
  error: string;
  error_description: string;
}

export const oauthError = (error: string, error_description: string): OAuthError => ({
  error,
  error_description,
});

export const invalidGrant = (reason: string): OAuthError => oauthError('invalid_grant', reason);

export const sendOAuthError = (res: Response, { error, error_description }: OAuthError): void =>
  void res.status(error === 'invalid_client' ? 401 : 400).json({ error, error_description });

/** The fields of a token request. Those that are repeated are left out. */
export const tokenRequest = (req: Request): Partial<Record<string, string>> => {
  const form = new URLSearchParams(bodyText(req));
  return Object.fromEntries([...form].filter(([name]) => form.getAll(name).length === 1));
};

/** OAuth forbids repeated fields (RFC 6749, 3.2). */
export const repeatedField = (req: Request): OAuthError | undefined =>
  Object.keys(tokenRequest(req)).length < new URLSearchParams(bodyText(req)).size
    ? oauthError('invalid_request', 'A field is repeated.')
    : undefined;

/** Why a request has no authorization code. */
export const invalidCodeRequest = (req: Request, required: readonly string[]): OAuthError | undefined => {
  const fields = tokenRequest(req);
  if (fields.grant_type && fields.grant_type !== 'authorization_code') {
    return oauthError('unsupported_grant_type', 'grant_type must be authorization_code.');
  }
  const repeated = repeatedField(req);
  if (repeated || ['grant_type', ...required].every((name) => fields[name])) return repeated;
  const names = `grant_type, ${required.join(', ').replace(/, (?=[^,]*$)/, ' and ')}`;
  return oauthError('invalid_request', `${names} are required.`);
};

type NewGrant = Omit<AuthorizationCode, 'expiresAt' | 'isUsed'>;

export const issueCode = (
  { world }: SandboxState,
  codes: Store<AuthorizationCode>,
  grant: NewGrant,
): string => {
  const code = randomToken(world);
  codes.set(code, { ...grant, expiresAt: world.now() + CODE_TTL_MS, isUsed: false });
  return code;
};

interface Issued {
  codes: Store<AuthorizationCode>;
  tokens: Store<Grant>;
}

/** Returns the authorization code, or why it is invalid. Uses it up in either case. */
export const redeemCode = (
  { subscribers, world, redirectUri }: SandboxState,
  { codes, tokens }: Issued,
  fields: ReturnType<typeof tokenRequest>,
): AuthorizationCode | OAuthError => {
  const code = codes.get(fields.code ?? '');
  if (!code) return invalidGrant('The authorization code is unknown.');
  if (code.isUsed) {
    if (code.token !== undefined) tokens.delete(code.token);
    return invalidGrant('The authorization code was already used; the token it gave is revoked.');
  }
  code.isUsed = true;
  if (world.now() >= code.expiresAt) return invalidGrant('The authorization code has expired.');
  if (fields.redirect_uri !== redirectUri)
    return invalidGrant('redirect_uri is not the one of the authorization request.');
  const isRefused = subscribers.silentBehaviourOf(code.number) === 'invalid_grant';
  return isRefused ? invalidGrant('The authorization code is invalid.') : code;
};

/** The lifetime in the token response, or the default if that is not a number. */
const lifetimeSeconds = (expiresIn: number | string | null): number => {
  const seconds = Number(expiresIn ?? TOKEN_TTL_SECONDS);
  return Number.isFinite(seconds) ? seconds : TOKEN_TTL_SECONDS;
};

/** Issues the token of a grant, and returns the token response. */
export const issueToken = (
  { tokenResponse, world }: SandboxState,
  tokens: Store<Grant>,
  grant: NewGrant,
): object => {
  const { expires_in = TOKEN_TTL_SECONDS, ...others } = tokenResponse;
  const access_token = randomToken(world);
  const { number, sim, scopes } = grant;
  const expiresAt = world.now() + lifetimeSeconds(expires_in) * 1000;
  tokens.set(access_token, { number, sim, scopes, expiresAt });
  grant.token = access_token;
  return { access_token, token_type: 'Bearer', ...(expires_in !== null && { expires_in }), ...others };
};
