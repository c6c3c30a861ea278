import { LoginError } from '../core/errors.js';
import { MAX_CONFLICTS, type LoginSession, type Login } from '../login/login.js';
import type { SessionRecords, SessionState } from './records.js';

/** What a developer is told who uses a session before it was loaded. */
export const NOT_LOADED =
  'the session of this request was not loaded: put `load` before signOut, on the same route';

/** How one request carries its session. */
export interface Carrier {
  /** The session as it was last read; empty where the request has none. */
  readonly state: SessionState;
  /**
   * Reads the session again.
   * @throws LoginError `login_expired` if it ended, or goes on under a newer secret
   */
  reload(): Promise<void>;
  /**
   * Writes the session, which begins here where there is none.
   * @param renewed whether the session gets a new secret, and the request the id with it
   * @returns false where another request changed or ended the session since it was read
   */
  write(state: SessionState, renewed: boolean): Promise<boolean>;
}

/**
 * The session of a request for the login's story. Every write is compared with what was read, so
 * that none is lost.
 */
export function createLoginSession(
  carrier: Carrier,
  { currentUser }: Pick<SessionRecords, 'currentUser'>,
): LoginSession {
  /**
   * Writes what `next` makes of the session as it stands. Where it returns the same state there is
   * nothing to write.
   */
  const settle = async (next: (state: SessionState) => SessionState, renewed: boolean): Promise<void> => {
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts++) {
      const before = carrier.state;
      const state = next(before);
      if (state === before || (await carrier.write(state, renewed))) return;
      await carrier.reload();
    }
    throw new LoginError('unavailable', 'Too many concurrent requests change this session.', {
      retry_after: 1,
    });
  };

  return {
    get login() {
      return openLogin(carrier.state);
    },
    get former() {
      return carrier.state.login;
    },
    refresh: () => carrier.reload(),
    begin: (login) => settle((state) => ({ login, user: currentUser(state) }), true),
    change: (how) =>
      settle((state) => {
        const login = openLogin(state);
        const changed = login && how(login);
        return changed === login ? state : { ...state, login: changed };
      }, false),
    signIn: (user, login) =>
      settle((state) => {
        // The login may have been given up, locked or replaced while its proof was on its way.
        const current = openLogin(state);
        const isOpen = current?.id === login.id && current.status !== 'completed' && !current.locked;
        if (!isOpen) throw new LoginError('login_expired', 'The login ended during the request.');
        return { login, user };
      }, true),
  };
}

/** The login of a session, unless it was given up. */
const openLogin = ({ login }: SessionState): Login | undefined =>
  login?.status === 'cancelled' ? undefined : login;
