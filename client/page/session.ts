import { end, failed } from './screens.js';
import {
  change,
  NO_STEPS,
  turn,
  type AnswerTo,
  type Change,
  type DoneScreen,
  type OtherTabChange,
  type State,
  type Steps,
} from './state.js';

/** The session, which all tabs of this browser share. */

/** The user is logged in by a code of the device, or one that was typed. */
export function logIn(state: State, user: Pick<DoneScreen, 'phoneNumber' | 'channel'>): Change {
  const { continueUrl, explain } = state.settings;
  const startedAt = state.login?.startedAt;
  const typed = state.steps.instead !== undefined;
  const steps: Steps = {
    ...state.steps,
    ...(typed ? { instead: 'done', why: 'code' } : { reached: 5, state: 'idle', why: 'silent_auth' }),
    totalMs: startedAt === undefined ? undefined : state.now - startedAt,
  };
  return turn(
    state,
    { screen: { at: 'done', ...user }, login: undefined, number: undefined, typed: '', steps },
    { do: 'keep', login: undefined },
    { do: 'read_sms', on: false },
    { do: 'notify', change: 'in' },
    ...(continueUrl !== undefined && !explain ? [{ do: 'continue', url: continueUrl } as const] : []),
  );
}

/** `GET /session`, which the form does not wait for. */
export function session(state: State, answer: AnswerTo<'session'>): Change {
  const { failure } = answer.request;
  if (answer.ok && answer.result.authenticated) {
    const { phoneNumber, channel, expiresAt } = answer.result;
    const screen = { at: 'done', phoneNumber, channel, expiresAt, failure } as const;
    return turn(
      state,
      {
        screen: { ...screen, failure: failure === 'wrong_client' ? failure : undefined },
        ...{ login: undefined, number: undefined, typed: '', note: state.note },
      },
      { do: 'keep', login: undefined },
    );
  }
  if (failure !== undefined && failure !== 'wrong_client') return end(state, { name: failure });
  if (state.screen.at === 'done')
    return turn(state, { screen: { at: 'number' }, steps: NO_STEPS, note: state.note });
  // Only now: the session may belong to a login that another tab completed.
  if (state.login !== undefined && state.screen.at === 'number')
    return change(state, {}, { do: 'current', for: 'resume' });
  return change(state, {});
}

export function logOut(state: State): Change {
  const { screen } = state;
  if (screen.at !== 'done' || screen.busy === true) return change(state, {});
  return turn(state, { screen: { ...screen, busy: true } }, { do: 'logout' });
}

export function loggedOut(state: State, answer: AnswerTo<'logout'>): Change {
  const { screen } = state;
  if (!answer.ok && screen.at === 'done')
    return turn(state, { screen: { ...screen, busy: false }, note: { text: 'logoutFailed' } });
  return turn(
    state,
    { screen: { at: 'number' }, typed: '', steps: NO_STEPS, note: { text: 'loggedOut' } },
    { do: 'notify', change: 'out' },
  );
}

/** Another tab of this browser logged in or out, or began a login, which replaces the one here. */
export function followOtherTab(state: State, other: OtherTabChange): Change {
  const { screen } = state;
  const isLoggedIn = screen.at === 'done';
  if (other === 'login') {
    // A page that is about to open the link asks the server when it is back.
    const isReplaced = state.login !== undefined && (screen.at === 'code' || screen.at === 'failed');
    return isReplaced ? replaced(state) : change(state, {});
  }
  if (isLoggedIn === (other === 'in')) return change(state, {});
  const note = { text: other === 'in' ? 'otherTabIn' : 'otherTabOut' } as const;
  return turn(state, { note, steps: NO_STEPS }, { do: 'session' });
}

/** The session has the login of another tab. */
export const replaced = (state: State): Change =>
  turn(
    state,
    { screen: failed({ name: 'replaced' }), login: undefined },
    { do: 'keep', login: undefined },
    { do: 'read_sms', on: false },
  );
