import { LoginError } from '../errors.js';
import { invalidCode, isAnsweredBy } from './code.js';
import type { Holder } from './holder.js';
import type { Tell } from './journal.js';
import type { Channel, Login, Run } from './login.js';
import { CODE_LENGTH } from './otp.js';
import type { Parts } from './parts.js';
import type { Verification } from './proof.js';

/** What Verify makes: digits for people, letters and digits for devices. */
const VERIFY_CODE = /^[A-Za-z0-9._~-]{4,200}$/;

/** Tries a request gets upstream. Vonage counts as well; a device has no reason to be wrong (Verify v2 reference, "Check"). */
const TRIES = { device: 1, typed: 3 };

/** Seconds the tries are remembered: longer than any request of ours lives. */
const TRIES_LIFE = 900;

/** Proves a login with a code that Verify made and checks: a device brings it, or the user types it. */
export function createRunProof(
  parts: Parts & {
    /** Changes the login as it was when it was tried. */
    change: (holder: Holder, tried: Login, how: (login: Login) => Login) => Promise<void>;
    signIn: (holder: Holder, login: Login, channel: Channel, correlator: string) => Promise<Verification>;
  },
) {
  const { otp, store, limits, world, progress, change, signIn } = parts;

  return async (
    code: string,
    login: Login,
    holder: Holder,
    verifier: string | undefined,
    correlator: string,
    tell: Tell,
  ): Promise<Verification> => {
    const { run } = await progress(login);
    if (run === undefined) throw tooLate();
    if (!VERIFY_CODE.test(code) || !isAnsweredBy(login.codeChallenge, verifier)) throw invalidCode();
    const channel = channelOf(code, run);
    tell({ channel });
    const kind = channel === 'silent_auth' ? 'device' : 'typed';
    // A try that Vonage is not asked about must not count.
    await limits.ready('verify');
    const tries = await store.increment(`limit:otp:${run.requestId}:${kind}`, TRIES_LIFE);
    if (tries > TRIES[kind]) throw kind === 'typed' ? tooMany() : tooLate();
    await otp.check(run, code, correlator).catch(async (error: unknown) => {
      if (error instanceof LoginError) await learn(error, run);
      throw error;
    });
    return signIn(holder, login, channel, correlator);

    async function learn(error: LoginError, at: Run): Promise<void> {
      const wrong = error.code === 'invalid_code';
      if (error.code === 'too_many_attempts' || (wrong && kind === 'typed' && tries >= TRIES.typed)) {
        await change(holder, login, (current) => ({ ...current, status: 'failed', locked: true }));
        throw tooMany();
      }
      // A silent step has one try; Vonage goes on to the step behind it by itself.
      if (wrong && kind === 'device') {
        await change(holder, login, (current) => ({
          ...current,
          run: { ...at, step: at.step + 1, since: world.now() },
        }));
      }
    }
  };
}

/**
 * The channel a code belongs to. Vonage may have gone on to a message before we heard of it, so a code of the form that
 * people type never counts as silent: whoever asks "was it the SIM?" must not be told yes for an SMS.
 */
function channelOf(code: string, run: Run): Channel {
  const channel = run.steps[run.step]?.channel ?? 'silent_auth';
  const typed = new RegExp(`^[0-9]{${CODE_LENGTH}}$`).test(code);
  return channel === 'silent_auth' && typed ? (run.steps[run.step + 1]?.channel ?? channel) : channel;
}

const tooMany = (): LoginError =>
  new LoginError('too_many_attempts', 'A wrong code was sent too often. Begin again.');

/** Known to be of this session, so it may be told apart from a wrong code. */
const tooLate = (): LoginError =>
  new LoginError('login_expired', 'The code is too old. Go on by another channel.');
