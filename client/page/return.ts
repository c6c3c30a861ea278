import { codeInFragment, type CurrentLogin } from '../silent-auth.js';
import { linkOf, MAX_POLLS, POLL_INTERVAL_MS } from './begin.js';
import { afterWrongCode, checked, codeOver, codeRefused, sendNow } from './codes.js';
import { formatAsTyped } from './phone-number.js';
import { readFragment } from './fragment.js';
import {
  end,
  failed,
  failedSteps,
  failureOf,
  isCodePending,
  isLost,
  showCode,
  showLogin,
} from './screens.js';
import { logIn, replaced } from './session.js';
import {
  change,
  NO_STEPS,
  turn,
  type AnswerTo,
  type Change,
  type Effect,
  type FailureName,
  type Opened,
  type State,
} from './state.js';

/**
 * Steps 4 and 5: the page is loaded, perhaps by the redirects, with a code or an error in its
 * address.
 */

const NO_LOGIN = { name: 'no_login' } as const;

const waitForAnswer = (state: State) =>
  ({ at: 'wait', for: 'answer', since: state.now, nextChannels: [] }) as const;

/** The page was loaded, or restored from the back/forward cache. */
export function open(before: State, event: Opened): Change {
  const { login, left } = event;
  const state: State = {
    ...before,
    ...(before.typed === '' && knownNumber(before, event)),
    ...{
      login,
      number: login?.number ?? left?.number ?? before.number,
      fragment: event.fragment,
      polls: 0,
      screen: left?.screen ?? { at: 'number' },
      note: undefined,
    },
    steps: left?.steps ?? (login ? { ...NO_STEPS, durations: durationsOf(login, event.loadedAt) } : NO_STEPS),
  };
  const leave: Effect[] =
    login?.leftAt === undefined ? [] : [{ do: 'keep', login: { ...login, leftAt: undefined } }];
  const next = event.keepsCookies ? look(state) : turn(state, { screen: failed({ name: 'no_cookies' }) });
  return { state: next.state, effects: [...leave, ...next.effects] };
}

/** The content of the field: what was kept, or the number of the login of this tab. */
function knownNumber({ country }: State, { login, left }: Opened): Partial<State> {
  if (left) return { typed: left.typed, country: left.country };
  if (!login) return {};
  const { text: typed, country: ofNumber } = formatAsTyped(login.number, country);
  return { typed, country: ofNumber };
}

/** @param loadedAt when the first byte of this page arrived */
function durationsOf(
  { durations, leftAt }: NonNullable<State['login']>,
  loadedAt: number,
): (number | undefined)[] {
  return [durations[0], durations[1], leftAt === undefined ? undefined : loadedAt - leftAt];
}

/** Reads the fragment, and asks the server for the login that it may belong to. */
export function look(state: State): Change {
  const returned = readFragment(state.fragment);
  if (returned.kind === 'nothing') return turn(state, {}, { do: 'session' });
  if (returned.kind === 'code') {
    // The redirects of a login in another tab of this browser may open a new tab.
    if (state.login === undefined && !returned.mayBeOfALogin)
      return turn(state, {}, { do: 'session', failure: 'invalid_code' });
    return turn(state, { screen: waitForAnswer(state) }, { do: 'current', for: 'fragment' });
  }
  const { failure, step } = returned;
  const steps: State['steps'] = {
    ...state.steps,
    reached: step ?? 0,
    state: step === undefined ? 'idle' : 'failed',
  };
  if (state.login !== undefined)
    return turn(state, { steps, screen: waitForAnswer(state) }, { do: 'current', for: 'error' });
  const screen = failed({ name: failure });
  return turn(state, { steps, screen }, { do: 'session', failure });
}

/** A fragment that appears in an open page comes from another site, and disturbs no login. */
export function hashChanged(state: State, fragment: string): Change {
  const { screen } = state;
  const isIdle =
    screen.at === 'number' || (screen.at === 'failed' && screen.queue === undefined) || screen.at === 'done';
  return isIdle && fragment.length > 1
    ? look({ ...state, fragment, polls: 0, screen: { at: 'number' } })
    : change(state, {});
}

/** The server has said which login the session has. */
export function current(state: State, answer: AnswerTo<'current'>): Change {
  const purpose = answer.request.for;
  const login = answer.ok ? answer.result : undefined;
  const isOfOtherTab =
    login !== undefined && state.login !== undefined && login.loginId !== state.login.loginId;
  if (isOfOtherTab) return replaced(state);
  switch (purpose) {
    case 'fragment':
      return answer.ok ? verifyFragment(state, login) : cannotLook(state, answer);
    case 'error':
      return returnedError(state, answer);
    case 'resume':
      if (!answer.ok) return change(state, {});
      return login ? showLogin(state, login) : end(state, NO_LOGIN);
    case 'link':
      if (login) return linkOf(state, login);
      return answer.ok
        ? end(state, { name: 'lost' })
        : turn(state, { screen: failed(failureOf(answer.problem, state.now)) });
    case 'send':
      if (answer.ok && !login) return end(state, NO_LOGIN);
      return answer.request.queue ? sendNow(state, answer.request.queue) : change(state, {});
    case 'check':
      return checked(state, answer);
    case 'wrong_code':
      return afterWrongCode(state, answer);
    case 'channels':
      return login ? showLogin(state, login, answer.request.failure) : end(state, NO_LOGIN);
    case 'after':
      return codeOver(state, login, answer.request.failure ?? NO_LOGIN);
  }
}

const cannotLook = (state: State, answer: AnswerTo<'current'>): Change =>
  turn(state, {
    screen: failed({ ...(!answer.ok && failureOf(answer.problem, state.now)), name: 'verify_lost' }, [], {
      again: 'fragment',
    }),
  });

/**
 * Posts the code in the fragment if it is for the login of this tab, and that login waits for its
 * device. Any site can link here with a code of its own, and a wrong code uses up an attempt.
 */
function verifyFragment(state: State, login: CurrentLogin | undefined): Change {
  const code = codeInFragment(state.fragment, login);
  if (code !== undefined) return verify(state, code);
  if (state.login === undefined) return turn(state, {}, { do: 'session', failure: 'invalid_code' });
  if (login === undefined) return turn(state, {}, { do: 'session', failure: 'lost' });
  return login.status === 'completed'
    ? turn({ ...state, screen: { at: 'number' }, login: undefined }, {}, { do: 'session' })
    : showLogin(state, login);
}

/** Posts the code of the device. It is kept until the server has answered. */
export function verify(state: State, code: string): Change {
  const steps = { ...state.steps, reached: 4, state: 'now' } as const;
  return turn(state, { screen: waitForAnswer(state), steps }, { do: 'verify', code });
}

export function verified(state: State, answer: AnswerTo<'verify'>): Change {
  const isTyped = state.screen.at === 'code';
  if (answer.ok && answer.result.verified) {
    const { phoneNumber, channel } = answer.result;
    return logIn(isTyped ? state : withTimes(state, answer), { phoneNumber, channel });
  }
  if (isTyped && !answer.ok) return codeRefused(state, answer.problem);
  const timed = { ...withTimes(state, answer), polls: 0 };
  const failing = { ...timed, steps: failedSteps(timed) };
  if (answer.ok)
    return turn(failing, {
      screen: failed(
        { name: 'other_number' },
        'nextChannels' in answer.result ? answer.result.nextChannels : [],
      ),
      steps: { ...failing.steps, why: 'other_number' },
    });
  return notVerified(failing, answer);
}

function notVerified(state: State, answer: AnswerTo<'verify'> & { ok: false }): Change {
  const { problem, request } = answer;
  const failure = failureOf(problem, state.now);
  if (isLost(problem)) {
    const name =
      problem.error === 'no_answer' || problem.error === 'unknown_answer' ? 'verify_lost' : failure.name;
    return turn(state, {
      screen: failed({ ...failure, name }, [], { again: 'verify', proof: request.code }),
    });
  }
  if (problem.error === 'login_refused' || problem.error === 'too_many_attempts') return end(state, failure);
  const isStepUp = problem.error === 'step_up_required';
  const login = state.login && { ...state.login, isStepUp };
  const keep: Effect[] = isStepUp ? [{ do: 'keep', login }] : [];
  if (problem.nextChannels)
    return turn({ ...state, login }, { screen: failed(failure, problem.nextChannels) }, ...keep);
  return change({ ...state, login }, {}, { do: 'current', for: 'after', failure }, ...keep);
}

/**
 * The times of the last steps: until this page came back, the callback at the server, and since.
 */
function withTimes(state: State, { timing }: AnswerTo<'verify'>): State {
  const [send, link, away] = state.steps.durations;
  const callback = timing.serverMs['callback'];
  const opened = away === undefined ? undefined : Math.max(0, away - (callback ?? 0));
  const startedAt = state.login?.startedAt;
  const before = [send, link, opened, callback].reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  const rest = startedAt === undefined ? timing.durationMs : Math.max(0, state.now - startedAt - before);
  return { ...state, steps: { ...state.steps, durations: [send, link, opened, callback, rest] } };
}

/** The silent step failed, but the server has not received Vonage's webhook yet. */
const isStillSilent = ({ status, channel, nextChannels }: CurrentLogin): boolean =>
  status === 'pending' && channel === 'silent_auth' && nextChannels.length > 0;

/** An error in the fragment, and what the server says of the login of this tab. */
function returnedError(state: State, answer: AnswerTo<'current'>): Change {
  const returned = readFragment(state.fragment);
  if (returned.kind !== 'error') return change(state, {});
  const { failure, isOfVonage } = returned;
  const login = answer.ok ? answer.result : undefined;
  if (!answer.ok) return turn(state, { screen: failed({ name: failure }) });
  if (!login)
    return turn(state, {}, { do: 'session', failure: failure === 'wrong_client' ? 'lost' : failure });
  if (isCodePending(login)) return showCode(state, login, noticeBesideCode(failure, isOfVonage));
  if (isOfVonage && isStillSilent(login) && state.polls < MAX_POLLS)
    return change(
      state,
      { polls: state.polls + 1 },
      { do: 'current', for: 'error', afterMs: POLL_INTERVAL_MS },
    );
  return turn(state, { screen: failed({ name: failure }, login.nextChannels) });
}

/**
 * A login that waits for a typed code expects no redirect, unless Vonage itself continued with that
 * code. An error from elsewhere says nothing about it.
 */
const noticeBesideCode = (failure: FailureName, isOfVonage: boolean) =>
  failure === 'wrong_client' || (isOfVonage && failure !== 'otherwise') ? { failure: { name: failure } } : {};
