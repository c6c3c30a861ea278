import { LoginError } from '../errors.js';
import type { Caller } from '../limits/limits.js';
import type { Holder } from './holder.js';
import type { Tell } from './journal.js';
import type { Channel, Login } from './login.js';
import type { Parts } from './parts.js';
import type { Verification } from './proof.js';

/** A code that came back to the session that began the login. */
export interface Attempt {
  code: string;
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

/** Gives the session of an attempt its user, whose number was proved by `channel`. */
export type SignIn = (attempt: Attempt, channel: Channel) => Promise<Verification>;

/** Changes the login as it was when it was tried; one that was moved on meanwhile is another matter. */
export type Change = (
  attempt: Pick<Attempt, 'holder' | 'login'>,
  how: (login: Login) => Login,
) => Promise<void>;

export const createChange =
  ({ lock }: Pick<Parts, 'lock'>): Change =>
  async ({ holder, login: tried }, how) => {
    const apply = async () => {
      await holder.refresh();
      const { login } = holder;
      if (login !== undefined && isAsItWas(login, tried)) await holder.update(how(login));
    };
    await lock.hold(tried.id, apply).catch((error: unknown) => {
      if (!(error instanceof LoginError && error.status < 500)) throw error;
    });
  };

const isAsItWas = (login: Login, tried: Login): boolean =>
  login.id === tried.id &&
  login.ticket === tried.ticket &&
  login.run?.requestId === tried.run?.requestId &&
  login.run?.step === tried.run?.step;

/** No code and no channel is left to this login. */
export const lockedUp = (login: Login): Login => ({ ...login, status: 'failed', locked: true });
