import type { Login, User } from './login.js';

/** How often a change is worked out again because another request was faster. */
export const MAX_CONFLICTS = 10;

/** The session of the one who asks: the half of the proof that only the one who began the login holds. */
export interface Holder {
  /** The login of this session; absent when there is none, or it was cancelled. */
  readonly login: Login | undefined;
  /** The login as it was kept, cancelled or not. */
  readonly former: Login | undefined;
  /** Gives the session a new id and this login, in place of any other. Who was logged in stays so. */
  begin(login: Login): Promise<void>;
  /** Reads the session anew: another request may have changed its login. */
  refresh(): Promise<void>;
  /**
   * Changes the login as it stands in the store now: `how` is given it, and what it returns
   * replaces it in one step. Returning the login it was given changes nothing; returning
   * `undefined` forgets it. Does nothing where the session holds no login any more.
   * @throws LoginError `login_expired` if the session ended meanwhile
   */
  change(how: (login: Login) => Login | undefined): Promise<void>;
  /** Keeps the login as it now is, or forgets it. @throws LoginError `login_expired` if the session ended meanwhile */
  update(login: Login | undefined): Promise<void>;
  /** Gives the session a new id and its user. @throws LoginError `login_expired` if the session ended meanwhile */
  signIn(user: User, login: Login): Promise<void>;
}
