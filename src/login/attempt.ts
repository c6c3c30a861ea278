import { createHash, timingSafeEqual } from 'node:crypto';
import { LoginError } from '../core/errors.js';
import { CODE_LENGTH } from './verification.js';
import type { Caller } from '../limits/limits.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { MAX_CONFLICTS, provedBy, type Channel, type Holder, type Login, type OtpChannel } from './login.js';
import type { Tell } from './journal.js';
import { loginRefused } from './hooks.js';
import type { Parts } from './context.js';

/** How a code came: a device was given it, or the user received it in a message and typed it. */
export type CodeKind = 'silent' | 'typed';

const TYPED = new RegExp(`^[0-9]{${CODE_LENGTH}}$`);

/**
 * What a device is given: 43 characters of base64url by us, letters and digits by Vonage. Digits
 * with punctuation are not accepted: a server that ignores the punctuation would read a typed code.
 */
const SILENT = /^(?:[0-9]{4,200}|(?=.*[A-Za-z])[A-Za-z0-9._~-]{4,200})$/;

/**
 * The kind of a code. Its form alone decides: no clock and no webhook turns the code of a device
 * into a typed one, or a typed one into the code of a device.
 * @returns undefined for what neither a message nor a device brings
 */
export function kindOf(code: string): CodeKind | undefined {
  if (TYPED.test(code)) return 'typed';
  return SILENT.test(code) ? 'silent' : undefined;
}

/** One answer for wrong, used, foreign and unknown codes: whoever guesses learns nothing. */
export const invalidCode = (): LoginError =>
  new LoginError('invalid_code', 'The code is wrong, used, or not of this login.');

/** Whoever guesses is stopped, and told so: the login is known to be of this session. */
export const tooManyAttempts = (): LoginError =>
  new LoginError('too_many_attempts', 'A wrong code was sent too often. Begin again.');

/** PKCE with S256 (RFC 7636 section 4.6); a verifier without a challenge is refused, as OAuth 2.1 does. */
export function isAnsweredBy(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const answer = createHash('sha256').update(verifier).digest();
  return timingSafeEqual(answer, Buffer.from(challenge, 'base64url'));
}

/** A code that came back to the session that began the login. */
export interface Attempt {
  code: string;
  kind: CodeKind;
  /** What answers the login's PKCE challenge. */
  codeVerifier?: string | undefined;
  caller: Caller;
  /** The login as the session held it when the code came. */
  login: Login;
  holder: Holder;
  /** Goes upstream as `x-correlator`. */
  correlator: string;
  tell: Tell;
}

export type Verification = (
  | { verified: true; phoneNumber: PhoneNumber; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: readonly OtpChannel[] }
) & {
  /** Milliseconds the device's callback took, where there was one. */
  callbackMs?: number;
};

/** Gives the session of an attempt its user, whose number was proved by `channel`. */
export type SignIn = (attempt: Attempt, channel: Channel) => Promise<Verification>;

/**
 * Milliseconds that {@link changeLogin} takes at the most: it writes, and reads again at a
 * conflict.
 */
export const CHANGE_TIMEOUT_MS = 2 * (1 + MAX_CONFLICTS) * COMMAND_TIMEOUT_MS;

/**
 * Changes the login of an attempt as it stands in the store now. Changes of other requests are
 * kept, and no lock is needed. A login that was given up, replaced, locked or completed stays as it
 * is.
 * @returns the login as it stands afterwards; undefined if the session does not hold it any more
 */
export async function changeLogin(
  { holder, login: tried }: Pick<Attempt, 'holder' | 'login'>,
  how: (login: Login) => Login,
): Promise<Login | undefined> {
  try {
    await holder.change((login) => (login.id === tried.id && !isOver(login) ? how(login) : login));
  } catch (error) {
    unlessEnded(error);
    return undefined;
  }
  return holder.login?.id === tried.id ? holder.login : undefined;
}

/**
 * Whether a login is still on the channel that was tried. A failed try says nothing about another
 * channel.
 */
export const isOnSameChannel = (login: Login, tried: Login): boolean =>
  login.ticket === tried.ticket &&
  login.run?.requestId === tried.run?.requestId &&
  login.run?.step === tried.run?.step;

/** Whether a login is at its end, which nothing changes any more. */
export const isOver = (login: Login): boolean => login.status === 'completed' || login.locked === true;

/** No code and no channel is left to this login. */
export const lockedUp = (login: Login): Login => ({ ...login, status: 'failed', locked: true });

/** A session that ended meanwhile holds no login any more, and nothing is left to change. */
export function unlessEnded(error: unknown): void {
  if (!(error instanceof LoginError && error.code === 'login_expired')) throw error;
}

/**
 * The last word before a session, which is the operator's own. A number was proved by `channel`, and its code is spent.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the
 * login ended before it could step up
 */
export type Admit = (attempt: Attempt, channel: Channel) => Promise<void>;

export function createAdmission({ rules, progress, fallbacksOf }: Parts): Admit {
  /**
   * Sends the login on to a typed code. A message that it went on to meanwhile stays under way: the
   * hook will be asked about its code.
   */
  const stepUp = async (attempt: Attempt, channel: Channel): Promise<LoginError> => {
    const left = await changeLogin(attempt, (login) => ({
      ...(isOnSameChannel(login, attempt.login) ? leftToCodes(login) : login),
      proved: provedBy(login, channel),
    }));
    if (left === undefined) return new LoginError('login_expired', 'The login ended meanwhile.');
    const { nextChannels } = await progress(left);
    const fields = { next_channels: nextChannels };
    return new LoginError('step_up_required', 'The SIM was confirmed; a code is wanted as well.', fields);
  };

  return async (attempt, channel) => {
    if (rules.beforeSession === undefined) return;
    const { login, correlator } = attempt;
    const { id: loginId, phoneNumber } = login;
    const channels = Object.freeze(provedBy(login, channel));
    const answer = await rules
      .beforeSession({ loginId, phoneNumber, channel, channels, requestId: correlator })
      .catch(async (error: unknown) => {
        await changeLogin(attempt, lockedUp);
        throw error;
      });
    if (answer === 'allow') return;
    const isHighest = channel !== 'silent_auth' || fallbacksOf(phoneNumber).length === 0;
    if (answer === 'stepUp' && !isHighest) throw await stepUp(attempt, channel);
    await changeLogin(attempt, lockedUp);
    throw loginRefused();
  };
}

/**
 * The login with its silent way behind it, as where silence was impossible from the start. A Verify request that its
 * silent step completed is over, whatever it had behind that step: codes need a new one.
 */
function leftToCodes(login: Login): Login {
  const left: Login = { ...login, channel: null };
  delete left.run;
  delete left.status;
  return left;
}
