import { LoginError } from '../errors.js';
import type { Caller } from '../limits/limits.js';
import { createAdmission } from './admission.js';
import {
  CHANGE_TIMEOUT_MS,
  changeLogin,
  isOnSameChannel,
  lockedUp,
  type Attempt,
  type SignIn,
  type Verification,
} from './attempt.js';
import { invalidCode, isAnsweredBy, kindOf, tooManyAttempts } from './code.js';
import type { Holder } from './holder.js';
import { unlessHeld } from './lock.js';
import { LOGIN_SECONDS, provedBy, type Channel, type Login } from './login.js';
import type { Parts } from './parts.js';
import { createRunProof } from './run-proof.js';

/**
 * Proves the login of this session with a code, whatever carried it: one that `/callback` gave the device, one that
 * Vonage gave the device, or one that the user read and typed. Each is spent by the first try, or counted.
 * @throws LoginError `invalid_code`, `too_many_attempts`, `login_expired`, `silent_auth_failed`, what the operator's own
 * rules say (`admission`), and what upstream said
 */
export type Prove = (
  proof: { code: string; codeVerifier?: string | undefined; caller: Caller },
  holder: Holder,
  correlator: string,
) => Promise<Verification>;

/** What `/callback` hands out: 256 random bits. */
const OUR_CODE = /^[\w-]{43}$/;

/** Wrong codes that end a login. Nobody guesses 256 bits; this is for what trying costs us. */
const MISSES = 100;

export function createProof(parts: Parts): Prove {
  const { engine, tickets, store, limits, world, journal, lock, progress } = parts;
  /**
   * Notes that the silent step failed. A request that moves the login on decides what becomes of
   * it.
   */
  const fail = (attempt: Attempt) =>
    lock
      .hold(attempt.login.id, CHANGE_TIMEOUT_MS, () =>
        changeLogin(attempt, (login) =>
          isOnSameChannel(login, attempt.login) ? { ...login, status: 'failed' } : login,
        ),
      )
      .catch(unlessHeld);
  const admit = createAdmission(parts);

  const signIn: SignIn = async (attempt, channel) => {
    await admit(attempt, channel);
    const { caller, holder, login } = attempt;
    const { phoneNumber } = login;
    const channels = provedBy(login, channel);
    // Refused where the login was given up, or another one begun, since the code came.
    const user = { phoneNumber, channel, channels, authenticatedAt: world.now() };
    await holder.signIn(user, completed(login, channel));
    if (login.run?.steps.some((step) => step.channel !== 'silent_auth'))
      await limits.verified(caller, phoneNumber);
    return { verified: true, phoneNumber, channel };
  };

  /** Counts a wrong code, at the cost of nobody who has the right one. */
  const missed = async (attempt: Attempt): Promise<LoginError> => {
    const misses = await store.increment(`limit:code:${attempt.login.id}`, LOGIN_SECONDS);
    if (misses < MISSES) return invalidCode();
    await changeLogin(attempt, lockedUp);
    return tooManyAttempts();
  };

  const byTicket = async (attempt: Attempt): Promise<Verification> => {
    const { code, codeVerifier, login, correlator, tell } = attempt;
    tell({ channel: 'silent_auth' });
    const ticket = await tickets.take('code', code);
    const bound = ticket?.loginId === login.id && ticket.phoneNumber === login.phoneNumber;
    if (!bound || !isAnsweredBy(login.codeChallenge, codeVerifier) || engine.redirect === undefined)
      throw await missed(attempt);
    const verified = await engine.redirect
      .verify(ticket.accessToken, ticket.phoneNumber, correlator)
      .catch(async (error: unknown) => {
        await fail(attempt);
        throw await withNextChannels(error, login);
      });
    const { callbackMs } = ticket;
    if (verified) return { ...(await signIn(attempt, 'silent_auth')), callbackMs };
    tell({ outcome: 'number_mismatch' });
    await fail(attempt);
    const { nextChannels } = await progress(login);
    return { verified, reason: 'number_mismatch', nextChannels, callbackMs };
  };

  const byRun = createRunProof({ ...parts, signIn });

  const withNextChannels = async (error: unknown, login: Login): Promise<unknown> => {
    if (!(error instanceof LoginError)) return error;
    const { nextChannels } = await progress(login);
    if (nextChannels.length === 0) return error;
    const { code, detail, fields, upstream, cause } = error;
    return new LoginError(code, detail, { ...fields, next_channels: nextChannels }, upstream, cause);
  };

  /** Once the login has moved to a message, a silent code is rejected and uses up no attempt. */
  const wayOf = (code: string, login: Login) => {
    const ours = engine.redirect !== undefined && OUR_CODE.test(code);
    if (ours) return login.ticket === undefined ? undefined : byTicket;
    return login.run && byRun;
  };

  return (proof, holder, correlator) =>
    journal.step('verify', correlator, parts.known(holder.login), async (tell) => {
      const login = holder.login;
      if (login === undefined || login.status === 'completed' || login.locked) throw invalidCode();
      const [kind, way] = [kindOf(proof.code), wayOf(proof.code, login)];
      if (kind === undefined || way === undefined) throw invalidCode();
      return way({ ...proof, kind, login, holder, correlator, tell });
    });
}

/** A login that is done keeps only what `GET /login` tells of it. */
const completed = ({ id, phoneNumber, client, expiresAt }: Login, channel: Channel): Login => ({
  id,
  phoneNumber,
  client,
  channel,
  status: 'completed',
  expiresAt,
});
