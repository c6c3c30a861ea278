import { LoginError, type MessageFailure } from '../errors.js';
import {
  changeLogin,
  isOnSameChannel,
  lockedUp,
  type Attempt,
  type SignIn,
  type Verification,
} from './attempt.js';
import { invalidCode, isAnsweredBy, tooManyAttempts, type CodeKind } from './code.js';
import type { Channel, Run } from './login.js';
import { stepOf } from './progress.js';
import type { Parts } from './parts.js';

/** Tries a request gets upstream. Vonage counts as well; a device has no reason to be wrong (Verify v2 reference, "Check"). */
const TRIES = { silent: 1, typed: 3 } as const satisfies Record<CodeKind, number>;

/** Seconds the tries are remembered: longer than any request of ours lives. */
const TRIES_LIFE = 900;

/** Proves a login with a code that Verify made and checks: a device brings it, or the user types it. */
export function createRunProof(
  parts: Parts & { signIn: SignIn },
): (attempt: Attempt) => Promise<Verification> {
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
    const tries = await store.increment(`limit:otp:${run.requestId}:${kind}`, TRIES_LIFE);
    if (tries > TRIES[kind]) throw kind === 'typed' ? tooManyAttempts() : tooLate();
    await otp.check(run, code, correlator).catch(async (error: unknown) => {
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
