import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { nowInSeconds, type World } from '../core/world.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { refusal, trace } from './errors.js';
import type { Answer, Transport } from '../http/transport.js';
import { TokenAnswer, VERIFY_SCOPE, readError } from './wire.js';

/** CAMARA's rule for client assertions; Vonage's own SDKs use 900. */
const APP_TOKEN_TTL_SECONDS = 300;

/** How long before its end a token is replaced, so that none expires in transit. */
const RENEWAL_MARGIN_SECONDS = 30;

/**
 * The Vonage application JWT (RS256; `application_id`, `iat`, `jti`, `exp`). Signing takes about a
 * millisecond, so one token serves all calls until shortly before it expires.
 */
export function createAppToken(
  applicationId: string,
  privateKey: KeyObject,
  world: World,
): () => Promise<string> {
  let current: Promise<string> | undefined;
  let goodUntil = 0;

  const sign = (iat: number): Promise<string> =>
    new SignJWT({ application_id: applicationId })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuedAt(iat)
      .setJti(world.random(16).toString('hex'))
      .setExpirationTime(iat + APP_TOKEN_TTL_SECONDS)
      .sign(privateKey);

  return () => {
    const now = nowInSeconds(world);
    // After the clock was set back, a token that was issued in the future is replaced as well.
    const isFresh = now < goodUntil && now >= goodUntil - APP_TOKEN_TTL_SECONDS;
    if (current === undefined || !isFresh) {
      goodUntil = now + APP_TOKEN_TTL_SECONDS - RENEWAL_MARGIN_SECONDS;
      current = sign(now);
      current.catch(() => (current = undefined));
    }
    return current;
  };
}

/** Sends each call with the JWT of the application. */
export const withAppToken =
  (transport: Transport, appToken: () => Promise<string>): Transport =>
  async (call) =>
    transport({ ...call, bearer: await appToken() });

const API = 'token';

/** The device waits for this answer, and old SDKs wait five seconds for a redirect. */
const TIMEOUT_MS = 2500;

/** For a token without `expires_in`: the longest life that CAMARA Number Verification allows. */
const DEFAULT_TTL_SECONDS = 300;

export interface AccessToken {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
}

/**
 * Exchanges an authorization code (RFC 6749 section 4.1.3). Not repeated: a code that was sent is
 * spent.
 * @throws LoginError `silent_auth_failed` for a code that is not valid, else `upstream_error`,
 * `upstream_timeout`, `unavailable`
 */
export function createTokenExchange(deps: { transport: Transport; tokenUrl: string; redirectUri: string }) {
  const { transport, tokenUrl: url, redirectUri } = deps;
  return ({ code }: { code: string }, requestId: string): Promise<AccessToken> => {
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
    const call = { api: API, method: 'POST', url, body, timeoutMs: TIMEOUT_MS, requestId } as const;
    return transport(call).then(readToken);
  };
}

/** @throws LoginError as {@link createTokenExchange} does */
export function readToken(answer: Answer): AccessToken {
  const token = answer.status === 200 ? TokenAnswer.safeParse(answer.json) : undefined;
  if (!token?.success) throw tokenRefusal(answer);
  const { access_token: accessToken, expires_in: expiresIn } = token.data;
  return { accessToken, expiresIn: Math.max(1, Math.floor(expiresIn ?? DEFAULT_TTL_SECONDS)) };
}

/** The error for an answer without a token. A code that is not valid ends only its login. */
function tokenRefusal(answer: Answer): LoginError {
  if (answer.status !== 400 || readError(answer.json)?.code !== 'invalid_grant') return refusal(API, answer);
  const detail = 'The operator did not accept the authorization code.';
  const upstream = trace(API, answer);
  return new LoginError('silent_auth_failed', detail, { reason: 'operator_error', upstream });
}

/**
 * The link of the older direct flow, which needs no call beforehand (Vonage, Getting Started with
 * Number Verification, "Request Authorization Code"; OpenID Connect Core section 3.1.2.1).
 */
export function createAuthUrl(deps: { oidcUrl: string; applicationId: string; redirectUri: string }) {
  return (phoneNumber: PhoneNumber, state: string): string => {
    const url = new URL(deps.oidcUrl);
    url.search = new URLSearchParams({
      client_id: deps.applicationId,
      response_type: 'code',
      scope: `openid ${VERIFY_SCOPE}`,
      redirect_uri: deps.redirectUri,
      login_hint: phoneNumber,
      state,
    }).toString();
    return url.href;
  };
}
