import type { Login } from '../silent-auth.js';
import { formatAsTyped, readNumber } from './phone-number.js';
import {
  failed,
  failedSteps,
  failureOf,
  isCodePending,
  isPassing,
  showCode,
  failureOfLogin,
} from './screens.js';
import {
  change,
  turn,
  type AnswerTo,
  type Change,
  type NumberProblem,
  type NumberScreen,
  type State,
} from './state.js';

/** Steps 1 to 3: sends the number, and opens the link. */

/** If the page is still shown after this time, the link did not open. */
const LINK_TIMEOUT_MS = 20_000;
/** Vonage may send the link to the server by webhook. */
export const MAX_POLLS = 8;
export const POLL_INTERVAL_MS = 500;

export function type(state: State, { text, format }: { text: string; format: boolean }): Change {
  const typed = format ? formatAsTyped(text, state.country) : { text, country: state.country };
  const { at } = state.screen;
  // A turn, so that an answer about an earlier login does not replace the form. An error stays
  // until the next attempt, so that a screen reader can read it again.
  return turn(state, {
    typed: typed.text,
    country: typed.country,
    ...(at === 'number' && keepProblem(state.screen)),
  });
}

const keepProblem = ({ problem }: NumberScreen): Partial<State> => ({ screen: { at: 'number', problem } });

export function submit(state: State, keepsCookies: boolean): Change {
  const read = readNumber(state.typed, state.country);
  if ('problem' in read) return reject(state, read.problem);
  const shown = state.screen.at === 'number' ? state.screen.hint : undefined;
  if (read.hint !== undefined && shown === undefined)
    return turn(state, { screen: { at: 'number', hint: read.hint } });
  return begin(state, read.number, keepsCookies);
}

const reject = (state: State, problem: NumberProblem): Change =>
  turn(state, { screen: { at: 'number', problem } });

export function takeHint(state: State, keepsCookies: boolean): Change {
  const hint = state.screen.at === 'number' ? state.screen.hint : undefined;
  if (hint === undefined) return change(state, {});
  return begin(
    { ...state, typed: formatAsTyped(hint.number, state.country).text },
    hint.number,
    keepsCookies,
  );
}

/** Without cookies the operator would confirm a login that the server cannot find again. */
export function begin(state: State, number: string, keepsCookies: boolean): Change {
  if (!keepsCookies) return turn(state, { number, screen: failed({ name: 'no_cookies' }) });
  return request(state, number);
}

function request(state: State, number: string): Change {
  const steps = { reached: 0, state: 'now', durations: [] } as const;
  const screen = { at: 'wait', for: 'link', since: state.now, nextChannels: [] } as const;
  return turn(state, { number, screen, steps, polls: 0 }, { do: 'login', number });
}

export function begun(state: State, answer: AnswerTo<'login'>): Change {
  const { number } = answer.request;
  if (!answer.ok) return notBegun(state, answer.problem);
  const { durationMs, serverMs } = answer.timing;
  const ofServer = serverMs['total'];
  const durations = [durationMs === undefined ? undefined : durationMs - (ofServer ?? 0), ofServer];
  const login = { number, loginId: answer.result.loginId, startedAt: state.startedAt, durations };
  const known = { ...state, login, steps: { reached: 1, state: 'now', durations } } as const;
  const next = linkOf(known, answer.result);
  // After the login is kept, since the page may be left at once.
  const effects = [
    { do: 'keep', login },
    { do: 'notify', change: 'login' },
  ] as const;
  return { state: next.state, effects: [...effects, ...next.effects] };
}

function notBegun(state: State, problem: Parameters<typeof failureOf>[0]): Change {
  switch (problem.error) {
    case 'invalid_phone_number':
    case 'country_not_allowed':
    case 'number_not_allowed':
      return turn(state, { screen: { at: 'number', problem: problem.error }, steps: failedSteps(state) });
  }
  if (isPassing(problem)) {
    const until = state.now + (problem.retryAfter ?? 0) * 1000;
    return turn(state, { screen: { at: 'queue', until } });
  }
  const reached = problem.error.startsWith('upstream') || problem.error === 'unavailable' ? 1 : 0;
  const steps = { ...state.steps, reached, state: 'failed' } as const;
  return turn(state, { screen: failed(failureOf(problem, state.now)), steps });
}

/** Opens the link, or waits for it. @param login as `POST` or `GET /login` answer */
export function linkOf(state: State, login: Login): Change {
  if (login.channel === 'silent_auth' && login.authUrl !== null) {
    const screen = { at: 'wait', for: 'device', since: state.now, nextChannels: login.nextChannels } as const;
    const leaving = state.login && { ...state.login, leftAt: state.now };
    const steps = { ...state.steps, reached: 2, state: 'now' } as const;
    return change(
      state,
      { screen, steps, login: leaving },
      { do: 'keep', login: leaving },
      { do: 'open', url: login.authUrl },
    );
  }
  if (login.channel === 'silent_auth' && state.polls < MAX_POLLS) {
    const afterMs = state.polls === 0 ? 0 : POLL_INTERVAL_MS;
    return change(state, { polls: state.polls + 1 }, { do: 'current', for: 'link', afterMs });
  }
  const steps = { ...state.steps, state: 'failed' } as const;
  if (isCodePending(login)) return showCode({ ...state, steps }, login);
  const name = login.channel === 'silent_auth' ? 'upstream_timeout' : failureOfLogin(login, state);
  return turn(state, { steps, screen: failed({ name }, login.nextChannels) });
}

/** A second has passed. */
export function tick(state: State): Change {
  const { screen, now } = state;
  if (screen.at === 'queue' && now >= screen.until) return request(state, state.number ?? '');
  if (screen.at === 'wait' && screen.for === 'device' && now - screen.since >= LINK_TIMEOUT_MS)
    return turn(state, {
      screen: failed({ name: 'stuck' }, screen.nextChannels),
      steps: failedSteps(state),
    });
  return change(state, {});
}

/** Ends a login that has begun, and shows its number in the field. */
export const cancel = (state: State): Change =>
  turn(
    state,
    {
      screen: { at: 'number' },
      login: undefined,
      steps: { reached: 0, state: 'idle', durations: [] },
      note: { text: 'cancelled' },
    },
    { do: 'keep', login: undefined },
    { do: 'read_sms', on: false },
    ...(state.screen.at === 'queue' ? [] : [{ do: 'cancel' } as const]),
  );
