import { LoginError, type MessageFailure } from '../core/errors.js';
import {
  CHANGE_TIMEOUT_MS,
  changeLogin,
  createAdmission,
  invalidCode,
  isAnsweredBy,
  isOnSameChannel,
  kindOf,
  lockedUp,
  tooManyAttempts,
  type Attempt,
  type CodeKind,
  type SignIn,
  type Verification,
} from './attempt.js';
import { LOGIN_SECONDS, provedBy, type Channel, type Holder, type Login, type Run } from './login.js';
import { stepOf } from './progress.js';
import type { Parts } from './context.js';
import type { Caller } from '../limits/limits.js';
import { unlessHeld } from '../store/lock.js';
import { NotCompared } from '../vonage/errors.js';

/** Tries a request gets upstream. Vonage counts as well; a device has no reason to be wrong (Verify v2 reference, "Check"). */
const TRIES = { silent: 1, typed: 3 } as const satisfies Record<CodeKind, number>;

/** Seconds the tries are remembered: longer than any request of ours lives. */
const TRIES_LIFE = 900;

/** Codes that Vonage may refuse to compare, for one verification, before each of them counts as a try. */
const UNCOMPARED_TRIES = 10;

/** Proves a login with a code that Verify made and checks: a device brings it, or the user types it. */
function createRunProof(parts: Parts & { signIn: SignIn }): (attempt: Attempt) => Promise<Verification> {
  const { otp, store, limits, world, reports, progress, signIn } = parts;

  /** What a refused code says of its login. */
  const learn = async (error: LoginError, attempt: Attempt, run: Run, kind: CodeKind, tries: number) => {
    const wrong = error.code === 'invalid_code';
    if (error.code === 'too_many_attempts' || (wrong && kind === 'typed' && tries >= TRIES.typed)) {
      await changeLogin(attempt, lockedUp);
      throw tooManyAttempts();
    }
    // A silent step has one try; Vonage goes on to the step behind it by itself.
    if (wrong && kind === 'silent') {
      const moved = { ...run, step: run.step + 1, since: world.now() };
      await changeLogin(attempt, (login) =>
        isOnSameChannel(login, attempt.login) ? { ...login, run: moved } : login,
      );
    }
  };

  /** Gives back a try of which Vonage compared no code. The calls to Vonage stay bounded. */
  const giveBack = async (key: string, tries: number) => {
    if ((await store.increment(`${key}:uncompared`, TRIES_LIFE)) <= UNCOMPARED_TRIES)
      await store.replace(key, String(tries), String(tries - 1), TRIES_LIFE);
  };

  return async (attempt) => {
    const { code, codeVerifier, login, correlator, tell } = attempt;
    const { run, reason, nextChannels } = await progress(login);
    if (run === undefined) throw reason ? blocked(reason, nextChannels) : tooLate();
    const channel = channelOf(attempt.kind, run);
    if (channel === undefined || !isAnsweredBy(login.codeChallenge, codeVerifier)) throw invalidCode();
    tell({ channel });
    const kind: CodeKind = channel === 'silent_auth' ? 'silent' : 'typed';
    // A try that Vonage is not asked about must not count.
    await limits.ready('verify');
    const key = `limit:otp:${run.requestId}:${kind}`;
    const tries = await store.increment(key, TRIES_LIFE);
    if (tries > TRIES[kind]) throw kind === 'typed' ? tooManyAttempts() : tooLate();
    await otp.check(run, code, correlator).catch(async (error: unknown) => {
      if (error instanceof NotCompared) {
        await giveBack(key, tries);
        throw invalidCode();
      }
      if (error instanceof LoginError) await learn(error, attempt, run, kind, tries);
      throw error;
    });
    // Where nobody told us yet, the code says that its message went out.
    await reports.countMessages(run.requestId, [channel]);
    return signIn(attempt, channel);
  };
}

/**
 * The channel of a request that carried a code of this kind.
 *
 * Vonage may have sent a message before we hear of it, so a typed code during the silent step
 * belongs to the message behind that step. If no message is behind it, only a device can have been
 * given the code, whatever its form. During the step of a message a silent code is too late, and
 * asking Vonage would use up one of the user's tries.
 * @returns undefined if the step that is under way brings no such code
 */
function channelOf(kind: CodeKind, run: Run): Channel | undefined {
  const { channel } = stepOf(run);
  if (channel !== 'silent_auth') return kind === 'typed' ? channel : undefined;
  return kind === 'silent' ? channel : (run.steps[run.step + 1]?.channel ?? channel);
}

/** Vonage did not send the message, so no code can be right. */
const blocked = (reason: MessageFailure, nextChannels: readonly Channel[]): LoginError =>
  new LoginError('login_expired', 'Vonage blocked the message. Go on by another channel.', {
    reason,
    next_channels: nextChannels,
  });

/** Known to be of this session, so it may be told apart from a wrong code. */
const tooLate = (): LoginError =>
  new LoginError('login_expired', 'The code is too old. Go on by another channel.');

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
