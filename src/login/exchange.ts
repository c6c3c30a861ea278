import { LoginError, type SilentFailure } from '../core/errors.js';
import { randomToken } from '../core/world.js';
import type { Tell } from './journal.js';
import type { Client, Login } from './login.js';
import type { Parts } from './context.js';
import { addressOf } from './tickets.js';

/** A device that came back from the redirects. */
export interface Arrival {
  state: string;
  /** Who is to read the answer, as the state says. */
  client: Client;
  result: { authorizationCode: string } | { error: string };
  /** Whether it says of itself that it is a browser. */
  isBrowser: boolean;
  /** The login of the session it brought along, if any. */
  login: Login | undefined;
}

/**
 * Steps 3 and 4: the device is back, and gets a code for what it brought. Logs nobody in.
 * @throws LoginError `wrong_client`, `login_expired`, `silent_auth_failed`, and what upstream said
 */
export type Return = (arrival: Arrival, correlator: string) => Promise<{ loginId: string; code: string }>;

export function createReturn({ engine, tickets, world, journal }: Parts): Return {
  const returned = async (arrival: Arrival, correlator: string, tell: Tell) => {
    const startedAt = performance.now();
    refuseWrongReader(arrival);
    const { state, result } = arrival;
    const ticket = await tickets.take('state', state);
    const redirect = engine.redirect;
    if (ticket === undefined || redirect === undefined) {
      throw new LoginError('login_expired', 'This link is unknown, used or too old.');
    }
    tell({ login_id: ticket.loginId, channel: 'silent_auth' });
    if ('error' in result) throw refusedByOperator(result.error);
    const { accessToken, expiresIn } = await redirect.exchange(result.authorizationCode, correlator);
    // A token is kept no longer than its login, five minutes at the most, whatever it says of itself.
    const expiresAt = Math.min(world.now() + expiresIn * 1000, ticket.expiresAt);
    const code = randomToken(world);
    const callbackMs = Math.round(performance.now() - startedAt);
    await tickets.put('code', code, { ...ticket, accessToken, callbackMs, expiresAt });
    return { loginId: ticket.loginId, code };
  };

  return (arrival, correlator) =>
    journal.step('callback', correlator, {}, (tell) => returned(arrival, correlator, tell));
}

/**
 * The link of an app does not answer a browser, which would show the code to whoever looks; the link of a browser
 * answers only the browser that holds the session. Both leave the state alive: somebody else may be its true bearer.
 */
function refuseWrongReader({ state, client, isBrowser, login }: Arrival): void {
  if (client === 'app' && isBrowser) {
    throw new LoginError('wrong_client', 'This link belongs to an app and does not answer a browser.');
  }
  if (client === 'browser' && login?.ticket !== addressOf(state)) {
    throw new LoginError('wrong_client', 'This link belongs to a login that was not begun in this browser.');
  }
}

/** Codes of OAuth (RFC 6749 section 4.1.2.1) and of OpenID Connect with `prompt=none` (Core section 3.1.2.6). */
const OPERATOR_ERRORS = new Map<string, SilentFailure>([
  ['access_denied', 'denied'],
  ['consent_required', 'denied'],
  ['login_required', 'not_on_cellular'],
  ['interaction_required', 'not_on_cellular'],
]);

function refusedByOperator(error: string): LoginError {
  const reason = OPERATOR_ERRORS.get(error) ?? 'operator_error';
  const known = /^[a-z_]{1,40}$/.test(error) ? error : 'unknown';
  const trace = { api: 'authorize', error: known };
  return new LoginError('silent_auth_failed', 'The operator did not let this device in.', { reason }, trace);
}
