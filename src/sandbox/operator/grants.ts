import type { Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import { bodyText } from '../http/requests.js';
import type { AuthorizationCode, Grant, Store } from '../state/records.js';
import type { SandboxState } from '../state/state.js';

/** CAMARA's maximum. */
const TOKEN_TTL_SECONDS = 300;

export const CODE_TTL_MS = 60_000;

/** RFC 6749, 4.1.2.1 and 5.2. */
export interface OAuthError {
  error: string;
  error_description: string;
}

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
    ? { error: 'invalid_request', error_description: 'A field is repeated.' }
    : undefined;

/** Why a request has no authorization code. */
export const invalidCodeRequest = (req: Request, required: readonly string[]): OAuthError | undefined => {
  const fields = tokenRequest(req);
  if (fields.grant_type && fields.grant_type !== 'authorization_code') {
    return {
      error: 'unsupported_grant_type',
      error_description: 'grant_type must be authorization_code.',
    };
  }
  const repeated = repeatedField(req);
  if (repeated || ['grant_type', ...required].every((name) => fields[name])) return repeated;
  const names = `grant_type, ${required.join(', ').replace(/, (?=[^,]*$)/, ' and ')}`;
  return { error: 'invalid_request', error_description: `${names} are required.` };
};

interface Issued<Code extends AuthorizationCode> {
  codes: Store<Code>;
  tokens: Store<Grant>;
}

/** Returns the authorization code, or why it is invalid. Uses it up in either case. */
export const takeCode = <Code extends AuthorizationCode>(
  { codes, tokens }: Issued<Code>,
  value: string,
  now: number,
): Code | string => {
  const code = codes.get(value);
  if (!code) return 'The authorization code is unknown.';
  if (code.isUsed) {
    if (code.token !== null) tokens.delete(code.token);
    return 'The authorization code was already used; the token it gave is revoked.';
  }
  code.isUsed = true;
  return now < code.expiresAt ? code : 'The authorization code has expired.';
};

/** The lifetime in the token response, or the default if that is not a number. */
const lifetimeSeconds = (expiresIn: number | string | null): number => {
  const seconds = Number(expiresIn ?? TOKEN_TTL_SECONDS);
  return Number.isFinite(seconds) ? seconds : TOKEN_TTL_SECONDS;
};

/** Issues the token of a code, and returns the token response. */
export const issueToken = (
  { tokenResponse, world }: SandboxState,
  tokens: Store<Grant>,
  code: AuthorizationCode,
): object => {
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
