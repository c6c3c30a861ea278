import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { nowInSeconds, type World } from '../core/world.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { refusal, trace } from './errors.js';
import type { Transport } from './transport.js';
import { TokenAnswer, VERIFY_SCOPE, readError } from './wire.js';

/** Seconds. CAMARA's rule for client assertions; Vonage's own SDKs use 900. */
const LIFE = 300;

/** Seconds before its end at which a token is no longer handed out, so that none expires on its way. */
const MARGIN = 30;

/**
 * Keeps a Vonage application JWT (RS256; `application_id`, `iat`, `jti`, `exp`) at hand. Signing costs about a
 * millisecond, so one token serves all calls until shortly before it expires, and callers who come while it is being
 * signed wait for the same one.
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
      .setExpirationTime(iat + LIFE)
      .sign(privateKey);

  return () => {
    const now = nowInSeconds(world);
    // A clock that was set back would leave a token of the future in use: that one is dropped as well.
    const fresh = now < goodUntil && now >= goodUntil - LIFE;
    if (current === undefined || !fresh) {
      goodUntil = now + LIFE - MARGIN;
      current = sign(now);
      current.catch(() => (current = undefined));
    }
    return current;
  };
}

const API = 'token';

/** Milliseconds. The device waits for this answer, and old SDKs give a hop five seconds. */
const DEADLINE = 2500;

/** Seconds a token lives that does not say: the longest that CAMARA Number Verification allows. */
const DEFAULT_LIFE = 300;

export interface AccessToken {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
}

/**
 * Exchanges an authorization code (RFC 6749 section 4.1.3). Asked once: a code that was sent is spent.
 * @throws LoginError `silent_auth_failed` for a code that is not good, else `upstream_error`, `upstream_timeout`,
 * `unavailable`
 */
export type ExchangeCode = (code: string, correlator: string) => Promise<AccessToken>;

export function createTokenExchange(deps: {
  transport: Transport;
  appToken: () => Promise<string>;
  tokenUrl: string;
  redirectUri: string;
}): ExchangeCode {
  return async (code, correlator) => {
    const answer = await deps.transport({
      api: API,
      method: 'POST',
      url: deps.tokenUrl,
      bearer: await deps.appToken(),
      body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: deps.redirectUri }),
      deadlineMs: DEADLINE,
      correlator,
    });
    if (answer.status === 400 && readError(answer.json)?.code === 'invalid_grant') {
      const detail = 'The operator did not accept the authorization code.';
      throw new LoginError('silent_auth_failed', detail, { reason: 'operator_error' }, trace(API, answer));
    }
    const token = answer.status === 200 ? TokenAnswer.safeParse(answer.json) : undefined;
    if (!token?.success) throw refusal(API, answer);
    const { access_token: accessToken, expires_in: expiresIn } = token.data;
    return { accessToken, expiresIn: Math.max(1, Math.floor(expiresIn ?? DEFAULT_LIFE)) };
  };
}

/**
 * Builds the link of the older direct flow, in which nothing is asked beforehand (Vonage, Getting Started with Number
 * Verification, "Request Authorization Code"; OpenID Connect Core section 3.1.2.1).
 */
export function buildAuthUrl(params: {
  oidcUrl: string;
  applicationId: string;
  redirectUri: string;
  phoneNumber: PhoneNumber;
  state: string;
}): string {
  const url = new URL(params.oidcUrl);
  url.search = new URLSearchParams({
    client_id: params.applicationId,
    response_type: 'code',
    scope: `openid ${VERIFY_SCOPE}`,
    redirect_uri: params.redirectUri,
    login_hint: params.phoneNumber,
    state: params.state,
  }).toString();
  return url.href;
}
