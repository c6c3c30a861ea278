import { LoginError } from '../core/errors.js';
import { MAX_CONFLICTS, type LoginSession } from '../login/login.js';
import type { SessionRecords, SessionState } from './records.js';

export const NOT_LOADED =
  'the session of this request was not loaded: put `load` before signOut, on the same route';

export interface Carrier {
  /** As last read; empty if the request has no session. */
  readonly state: SessionState;
  /** @throws LoginError `login_expired` if the session ended or has a newer secret */
  reload(): Promise<void>;
  /**
   * Writes the session, or creates it.
   * @param renewed whether the session gets a new secret
   * @returns false if another request changed or ended the session since it was read
   */
  write(state: SessionState, renewed: boolean): Promise<boolean>;
}

/** The session of a request, as the login sees it. A write that met a conflict is repeated. */
export function createLoginSession(
  carrier: Carrier,
  { currentUser }: Pick<SessionRecords, 'currentUser'>,
): LoginSession {
  /** Writes `next` of the current state, unless that is the same object. */
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
      return carrier.state.login;
    },
    refresh: () => carrier.reload(),
    begin: (login) => settle((state) => ({ login, user: currentUser(state) }), true),
    change: (how) =>
      settle((state) => {
        const changed = state.login && how(state.login);
        return changed === state.login ? state : { ...state, login: changed };
      }, false),
    signIn: (user, login) =>
      settle((state) => {
        // The login may have been cancelled, locked or replaced during the proof.
        const current = state.login;
        const isOpen = current?.id === login.id && current.status !== 'completed' && !current.locked;
        if (!isOpen) throw new LoginError('login_expired', 'The login ended during the request.');
        return { login, user };
      }, true),
  };
}
