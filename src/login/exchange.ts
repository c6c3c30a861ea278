import { CAMARA_FAILURES, LoginError, type SilentFailure } from '../core/errors.js';
import { randomToken } from '../core/world.js';
import type { LoginContext } from './context.js';
import type { Annotate } from '../observability/journal.js';
import type { Client, Login } from './login.js';
import { addressOf } from './tickets.js';

/** What the operator's redirect carries. */
export type CallbackQuery = {
  /** The client that reads the answer: as the state says, if there is one. */
  client: Client;
  /** `iss` (RFC 9207). */
  issuer?: string | undefined;
} & (
  | { state: string; result: { authorizationCode: string } | { error: string } }
  // Vonage's guide "Client Authentication" (step 4) lists no `state` beside `error`.
  | { state?: undefined; result: { error: string } }
);

/** A request to `/callback`. */
export type Arrival = CallbackQuery & {
  isBrowser: boolean;
  /** The login of the request's session, if any. */
  login: Login | undefined;
};

/**
 * Steps 3 and 4: exchanges the authorization code for an access token, and returns a code of our
 * own for it. Logs no user in.
 * @throws LoginError `wrong_client`, `login_expired`, `silent_auth_failed`, and the errors of
 * upstream
 */
export function createExchange({ engine, tickets, world, journal }: LoginContext) {
  const refusalOf = ({ error }: { error: string }, issuer: string | undefined): LoginError => {
    const own = engine.redirect?.issuer;
    const isForeign = issuer !== undefined && own !== undefined && issuer !== own;
    return operatorRefusal(isForeign ? 'foreign_issuer' : error);
  };

  const exchange = async (arrival: Arrival, requestId: string, annotate: Annotate) => {
    const startedAt = performance.now();
    if (arrival.state === undefined) throw refusalOf(arrival.result, arrival.issuer);
    refuseWrongClient(arrival);
    const { state, result, issuer } = arrival;
    const ticket = await tickets.take('state', state);
    const { redirect } = engine;
    if (ticket === undefined || redirect === undefined)
      throw new LoginError('login_expired', 'This link is unknown, used or too old.');
    annotate({ login_id: ticket.loginId, channel: 'silent_auth', probe: ticket.isProbe });
    const { proof, ...bound } = ticket;
    if ('error' in result) throw refusalOf(result, issuer);
    const { accessToken, expiresIn } = await redirect.exchange(
      { code: result.authorizationCode, issuer, proof },
      requestId,
    );
    // A token is stored no longer than its login lives, whatever its `expires_in` says.
    const expiresAt = Math.min(world.now() + expiresIn * 1000, ticket.expiresAt);
    const code = randomToken(world);
    const callbackMs = Math.round(performance.now() - startedAt);
    await tickets.put('code', code, { ...bound, accessToken, callbackMs, expiresAt });
    return { loginId: ticket.loginId, code };
  };

  return (arrival: Arrival, requestId: string) =>
    journal.step({ step: 'callback', requestId }, (annotate) => exchange(arrival, requestId, annotate));
}

/**
 * The link of an app does not answer a browser, which would show the code on its screen. The link
 * of a browser answers only the browser that holds the session. Neither refusal spends the state,
 * which its rightful client may still use.
 */
function refuseWrongClient({ state, client, isBrowser, login }: Arrival & { state: string }): void {
  if (client === 'app' && isBrowser)
    throw new LoginError('wrong_client', 'This link belongs to an app and does not answer a browser.');
  if (client === 'browser' && login?.ticket !== addressOf(state))
    throw new LoginError('wrong_client', 'This link belongs to a login that was not begun in this browser.');
}

/**
 * Codes of OAuth (RFC 6749 section 4.1.2.1) and of OpenID Connect with `prompt=none` (Core section
 * 3.1.2.6). Some operators send those of CAMARA at the redirect already
 * (https://github.com/camaraproject/NumberVerification/issues/152).
 */
const OPERATOR_ERRORS = new Map<string, SilentFailure>([
  ...CAMARA_FAILURES,
  ['access_denied', 'denied'],
  ['consent_required', 'consent_required'],
  ['login_required', 'not_on_cellular'],
  ['interaction_required', 'not_on_cellular'],
]);

function operatorRefusal(error: string): LoginError {
  const reason = OPERATOR_ERRORS.get(error) ?? 'operator_error';
  const known = /^[A-Za-z_.]{1,64}$/.test(error) ? error : 'unknown';
  const upstream = { api: 'authorize', error: known };
  return new LoginError('silent_auth_failed', 'The operator did not confirm the number.', {
    reason,
    upstream,
  });
}
