import { LoginError, type MessageFailure } from '../errors.js';
import { lockedUp, type Attempt, type Change, type SignIn } from './attempt.js';
import { invalidCode, isAnsweredBy, tooManyAttempts } from './code.js';
import type { Channel, Run } from './login.js';
import { CODE_LENGTH } from './otp.js';
import { stepOf } from './progress.js';
import type { Parts } from './parts.js';
import type { Verification } from './proof.js';

/** What Verify makes: digits for people, letters and digits for devices. */
const VERIFY_CODE = /^[A-Za-z0-9._~-]{4,200}$/;

/** Tries a request gets upstream. Vonage counts as well; a device has no reason to be wrong (Verify v2 reference, "Check"). */
const TRIES = { device: 1, typed: 3 };
type Kind = keyof typeof TRIES;

/** Seconds the tries are remembered: longer than any request of ours lives. */
const TRIES_LIFE = 900;

/** Proves a login with a code that Verify made and checks: a device brings it, or the user types it. */
export function createRunProof(
  parts: Parts & { change: Change; signIn: SignIn },
): (attempt: Attempt) => Promise<Verification> {
  const { otp, store, limits, world, reports, progress, change, signIn } = parts;

  /** What a refused code says of its login. */
  const learn = async (error: LoginError, attempt: Attempt, run: Run, kind: Kind, tries: number) => {
    const wrong = error.code === 'invalid_code';
    if (error.code === 'too_many_attempts' || (wrong && kind === 'typed' && tries >= TRIES.typed)) {
      await change(attempt, lockedUp);
      throw tooManyAttempts();
    }
    // A silent step has one try; Vonage goes on to the step behind it by itself.
    if (wrong && kind === 'device') {
      const moved = { ...run, step: run.step + 1, since: world.now() };
      await change(attempt, (login) => ({ ...login, run: moved }));
    }
  };

  return async (attempt) => {
    const { code, codeVerifier, login, correlator, tell } = attempt;
    const { run, reason, nextChannels } = await progress(login);
    if (run === undefined) throw reason ? blocked(reason, nextChannels) : tooLate();
    if (!VERIFY_CODE.test(code) || !isAnsweredBy(login.codeChallenge, codeVerifier)) throw invalidCode();
    const channel = channelOf(code, run);
    tell({ channel });
    const kind: Kind = channel === 'silent_auth' ? 'device' : 'typed';
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
 * The channel a code belongs to. Vonage may have gone on to a message before we heard of it, so a code of the form that
 * people type never counts as silent: whoever asks "was it the SIM?" must not be told yes for an SMS.
 */
function channelOf(code: string, run: Run): Channel {
  const { channel } = stepOf(run);
  const typed = new RegExp(`^[0-9]{${CODE_LENGTH}}$`).test(code);
  return channel === 'silent_auth' && typed ? (run.steps[run.step + 1]?.channel ?? channel) : channel;
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
