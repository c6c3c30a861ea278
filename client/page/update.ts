import { begin, begun, cancel, submit, takeHint, tick, type } from './begin.js';
import { cancelQueue, send, sent, submitCode, tickCode, typeCode } from './codes.js';
import { chooseLanguage } from './language.js';
import { formatAsTyped, withCountry } from './phone-number.js';
import { current, hashChanged, look, open, verified, verify } from './return.js';
import { isEarly } from './screens.js';
import { followOtherTab, loggedOut, logOut, session } from './session.js';
import { change, NO_STEPS, turn, type Answer, type Change, type Event, type State } from './state.js';

const NETWORKS = ['wifi', 'cellular'] as const;

/** The page as a state machine: what an event changes, and what is to be done about it. */
export function update(before: State, event: Event, now: number): Change {
  const state = { ...before, now };
  switch (event.on) {
    case 'open':
      return open(state, event);
    case 'language':
      return chooseLanguage(state, event.url);
    case 'hashchange':
      return hashChanged(state, event.fragment);
    case 'type':
      return type(state, event);
    case 'country':
      return change(state, { country: event.country, typed: withCountry(state.typed, event.country) });
    case 'network':
      return change(state, { network: NETWORKS.find((name) => name === event.type) });
    case 'submit':
      return state.screen.at === 'number'
        ? submit({ ...state, startedAt: event.pressedAt ?? now }, event.keepsCookies)
        : change(state, {});
    case 'take_hint':
      return takeHint({ ...state, startedAt: now }, event.keepsCookies);
    case 'retry':
      return retry({ ...state, startedAt: now }, event.keepsCookies);
    case 'cancel':
      return stop(state);
    case 'change':
      return changeNumber(state);
    case 'type_code':
      return typeCode(state, event.text);
    case 'submit_code':
      return submitCode(state);
    case 'send':
      return send(state, event);
    case 'logout':
      return logOut(state);
    case 'other_tab':
      return followOtherTab(state, event.change);
    case 'tick':
      return state.screen.at === 'code' || state.screen.at === 'failed' ? tickCode(state) : tick(state);
    case 'answer':
      return event.turn === state.turn ? answered(state, event) : change(state, {});
  }
}

function answered(state: State, answer: Answer): Change {
  switch (answer.to) {
    case 'login':
      return begun(state, answer);
    case 'current':
      return current(state, answer);
    case 'verify':
      return verified(state, answer);
    case 'next':
      return sent(state, answer);
    case 'session':
      return session(state, answer);
    case 'logout':
      return loggedOut(state, answer);
  }
}

function retry(state: State, keepsCookies: boolean): Change {
  const { screen } = state;
  if (screen.at !== 'failed' || screen.sending !== undefined || isEarly(state, screen.failure.retryAt))
    return change(state, {});
  if (screen.again === 'verify' && screen.proof !== undefined) return verify(state, screen.proof);
  if (screen.again === 'fragment') return look(state);
  if (screen.again === 'reload') return change(state, {}, { do: 'reload' });
  // After a link from elsewhere, no number is known.
  return state.number === undefined
    ? turn(state, { screen: { at: 'number' }, steps: NO_STEPS })
    : begin(state, state.number, keepsCookies);
}

function stop(state: State): Change {
  const { screen } = state;
  if (screen.at === 'wait' || screen.at === 'queue') return cancel(state);
  return cancelQueue(state);
}

/** Back to the field, with the number in it. */
function changeNumber(state: State): Change {
  const typed = state.typed || formatAsTyped(state.number ?? '', state.country).text;
  return turn(
    state,
    { screen: { at: 'number' }, typed, number: undefined, login: undefined, steps: NO_STEPS },
    { do: 'keep', login: undefined },
    { do: 'read_sms', on: false },
  );
}

/** Whether time changes what is shown, or what is to be done. */
export function isTicking({ screen, now }: State): boolean {
  switch (screen.at) {
    case 'wait':
    case 'queue':
      return true;
    case 'failed':
      return screen.queue !== undefined || Math.max(screen.failure.retryAt ?? 0, screen.sendAt ?? 0) > now;
    case 'code':
      return true;
    case 'number':
    case 'done':
      return false;
  }
}
