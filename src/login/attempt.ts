import { LoginError } from '../errors.js';
import type { Caller } from '../limits/limits.js';
import type { PhoneNumber } from '../phone.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import type { CodeKind } from './code.js';
import { MAX_CONFLICTS, type Holder } from './holder.js';
import type { Tell } from './journal.js';
import type { Channel, Login, OtpChannel } from './login.js';

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
