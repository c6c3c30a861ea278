import { LoginError } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import { refusal, trace } from './refusal.js';
import type { Transport } from './transport.js';
import { readError, TokenAnswer, VERIFY_SCOPE } from './wire.js';

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
