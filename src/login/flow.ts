import { createHash, timingSafeEqual } from 'node:crypto';
import { LoginError, type SilentFailure } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import { randomToken, type World } from '../world.js';
import type { Engine } from './engines/engine.js';
import { LOGIN_SECONDS, type Channel, type Client, type Login, type User } from './login.js';
import { clientOf, newState } from './state.js';
import { createJournal } from './journal.js';
import { addressOf, type Tickets } from './tickets.js';

/** The session of the one who asks: the half of the proof that only the one who began the login holds. */
export interface Holder {
  readonly login: Login | undefined;
  /** Gives the session a new id and this login, in place of any other. Who was logged in stays so. */
  begin(login: Login): Promise<void>;
  /** Keeps the login as it now is, or forgets it; does nothing to a session that ended meanwhile. */
  update(login: Login | undefined): Promise<void>;
  /** Gives the session a new id and its user. @throws LoginError `login_expired` if the session ended meanwhile */
  signIn(user: User, login: Login): Promise<void>;
}

/** A device that came back from the redirects. */
export interface Arrival {
  state: string;
  result: { authorizationCode: string } | { error: string };
  /** Whether it says of itself that it is a browser. */
  isBrowser: boolean;
  /** The login of the session it brought along, if any. */
  login: Login | undefined;
}

export type Verification =
  | { verified: true; phoneNumber: PhoneNumber; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: readonly Channel[] };

export interface Flow {
  /** Steps 1 and 2: the number comes in, the link goes out. `authUrl` is undefined where silence is impossible. */
  begin(
    request: { phoneNumber: PhoneNumber; client: Client; codeChallenge?: string | undefined },
    holder: Holder,
    correlator: string,
  ): Promise<{ login: Login; authUrl: string | undefined }>;
  /** Steps 3 and 4: the device is back, and gets a code for what it brought. Logs nobody in. */
  returned(arrival: Arrival, correlator: string): Promise<{ loginId: string; code: string }>;
  /** Step 5: the code comes back to the session that began, and the operator is asked. */
  verify(
    proof: { code: string; codeVerifier?: string | undefined },
    holder: Holder,
    correlator: string,
  ): Promise<Verification>;
  /** Ends the login of this session, if there is one; its link is worthless from then on. */
  cancel(holder: Holder): Promise<void>;
}

/** The five steps. Every secret is taken before it is believed, and every binding checked before a call is spent. */
export function createFlow(deps: {
  engine: Engine;
  tickets: Tickets;
  world: World;
  pseudonym: (number: PhoneNumber) => string;
}): Flow {
  const { engine, tickets, world } = deps;
  const journal = createJournal(world);

  return {
    async begin({ phoneNumber, client, codeChallenge }, holder, correlator) {
      const id = world.random(16).toString('base64url');
      const note = journal(correlator, id, { number: deps.pseudonym(phoneNumber), client });
      const { authUrl, state } = await note('begin', () =>
        engine.begin(phoneNumber, () => newState(client, world), correlator),
      );
      const expiresAt = world.now() + LOGIN_SECONDS * 1000;
      const login: Login = { id, phoneNumber, client, channel: null, status: 'pending', expiresAt };
      if (authUrl !== undefined) {
        login.channel = 'silent_auth';
        login.stateAddress = addressOf(state);
        const ticket = { loginId: id, phoneNumber, client, loginExpiresAt: expiresAt };
        await tickets.put(
          'state',
          state,
          { ...ticket, ...(codeChallenge && { codeChallenge }) },
          LOGIN_SECONDS,
        );
      }
      if (holder.login?.stateAddress !== undefined) await tickets.cancelState(holder.login.stateAddress);
      await holder.begin(login);
      return { login, authUrl };
    },

    async returned({ state, result, isBrowser, login }, correlator) {
      refuseWrongReader(state, isBrowser, login);
      const ticket = await tickets.take('state', state);
      if (ticket === undefined)
        throw new LoginError('login_expired', 'This link is unknown, used or too old.');
      const note = journal(correlator, ticket.loginId);
      return note('callback', async () => {
        if ('error' in result) throw refusedByOperator(result.error);
        const { accessToken, expiresIn } = await engine.exchange(result.authorizationCode, correlator);
        const left = Math.ceil((ticket.loginExpiresAt - world.now()) / 1000);
        const code = randomToken(world);
        await tickets.put('code', code, { ...ticket, accessToken }, Math.max(1, Math.min(expiresIn, left)));
        return { loginId: ticket.loginId, code };
      });
    },

    async verify({ code, codeVerifier }, holder, correlator) {
      const login = holder.login;
      if (login === undefined) throw invalidCode();
      const ticket = await tickets.take('code', code);
      if (ticket?.loginId !== login.id || !isAnsweredBy(ticket.codeChallenge, codeVerifier))
        throw invalidCode();

      const note = journal(correlator, login.id, { number: deps.pseudonym(ticket.phoneNumber) });
      const fail = () => holder.update({ ...login, status: 'failed' });
      return note('verify', async () => {
        const verified = await engine
          .verify(ticket.accessToken, ticket.phoneNumber, correlator)
          .catch(async (error: unknown) => {
            await fail();
            throw error;
          });
        if (!verified) {
          await fail();
          return { verified, reason: 'number_mismatch', nextChannels: [] };
        }
        const user: User = {
          phoneNumber: ticket.phoneNumber,
          channel: 'silent_auth',
          authenticatedAt: world.now(),
        };
        await holder.signIn(user, { ...login, status: 'completed' });
        return { verified, phoneNumber: user.phoneNumber, channel: user.channel };
      });
    },

    async cancel(holder) {
      const login = holder.login;
      if (login === undefined) return;
      if (login.stateAddress !== undefined) await tickets.cancelState(login.stateAddress);
      await holder.update(undefined);
    },
  };
}

/**
 * The link of an app does not answer a browser, which would show the code to whoever looks; the link of a browser
 * answers only the browser that holds the session. Both leave the state alive: somebody else may be its true bearer.
 */
function refuseWrongReader(state: string, isBrowser: boolean, login: Login | undefined): void {
  const client = clientOf(state);
  if (client === undefined) throw new LoginError('invalid_request', '`state` is not one of ours.');
  if (client === 'app' && isBrowser) {
    throw new LoginError('wrong_client', 'This link belongs to an app and does not answer a browser.');
  }
  if (client === 'browser' && login?.stateAddress !== addressOf(state)) {
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

/** One answer for wrong, used, foreign and unknown codes: whoever guesses learns nothing. */
const invalidCode = (): LoginError =>
  new LoginError('invalid_code', 'The code is wrong, used, or not of this login.');

/** PKCE with S256 (RFC 7636 section 4.6); a verifier without a challenge is refused, as OAuth 2.1 does. */
function isAnsweredBy(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const answer = createHash('sha256').update(verifier).digest();
  return timingSafeEqual(answer, Buffer.from(challenge, 'base64url'));
}
