import type { CodeChannel, CodeLogin, CurrentLogin, Login } from '../silent-auth.js';
import {
  change,
  turn,
  type Change,
  type CodeScreen,
  type FailedScreen,
  type Failure,
  type FailureName,
  type Problem,
  type State,
} from './state.js';

/** The server's interval. Limits the countdown if the clock of the device is wrong. */
const MAX_RESEND_MS = 30_000;
/** Vonage reports within seconds that a message failed. */
export const CHECK_INTERVAL_MS = 5_000;
export const CHECK_UNTIL_MS = 30_000;

const SERVER_FAILURES: Partial<Record<Problem['error'], FailureName>> = {
  ...{ login_refused: 'login_refused', too_many_attempts: 'too_many_attempts', rate_limited: 'rate_limited' },
  ...{ unavailable: 'unavailable', unknown_answer: 'unavailable', login_in_progress: 'unavailable' },
  ...{ no_answer: 'no_answer', request_timeout: 'request_timeout', invalid_request: 'invalid_request' },
  ...{ upstream_error: 'upstream_error', upstream_timeout: 'upstream_timeout', no_login: 'no_login' },
  ...{ login_expired: 'login_expired', invalid_code: 'login_expired', step_up_required: 'step_up' },
  ...{ no_more_channels: 'no_more_channels' },
};

/** What an error of the server means to the user. Its own `detail` is for developers. */
export function failureOf({ error, reason, retryAfter }: Problem, now: number): Failure {
  const name = error === 'silent_auth_failed' ? (reason ?? 'not_completed') : SERVER_FAILURES[error];
  const retryAt = retryAfter === undefined ? undefined : now + retryAfter * 1000;
  return { name: name ?? 'otherwise', retryAt };
}

/** Whether an error passes by itself: an earlier login of the number is in progress. */
export const isPassing = ({ error, retryAfter }: Problem): boolean =>
  error === 'login_in_progress' && retryAfter !== undefined;

/** Whether, after this error, the server may or may not have received the code. */
export const isLost = ({ error }: Problem): boolean =>
  [
    'no_answer',
    'unknown_answer',
    'request_timeout',
    'unavailable',
    'rate_limited',
    'login_in_progress',
  ].includes(error);

export const failed = (
  failure: Failure,
  nextChannels: readonly CodeChannel[] = [],
  more: Partial<FailedScreen> = {},
): FailedScreen => ({
  ...{ at: 'failed', failure, nextChannels },
  again: RELOADING.includes(failure.name) ? 'reload' : 'login',
  ...more,
});

/** Whether `from` is still in the future. */
export const isEarly = ({ now }: State, from: number | undefined): boolean =>
  from !== undefined && now < from;

/** Failures after which the same login would end in the same way. */
export const FINAL: readonly FailureName[] = ['number_not_supported', 'code_only', 'step_up'];

const RELOADING: readonly FailureName[] = ['no_cookies', 'lost', 'invalid_request'];

/** The login is over: the tab forgets it, and keeps its number in the field. */
export const end = (state: State, failure: Failure): Change =>
  change(
    state,
    { screen: failed(failure), login: undefined, steps: failedSteps(state) },
    { do: 'keep', login: undefined },
    { do: 'read_sms', on: false },
  );

export const failedSteps = ({ steps }: State): State['steps'] =>
  steps.instead === undefined ? { ...steps, state: 'failed' } : { ...steps, instead: 'failed' };

const codeScreen = (state: State, login: CodeLogin): CodeScreen => {
  const wait = login.resendAt === undefined ? 0 : Date.parse(login.resendAt) - state.now;
  return {
    ...{ at: 'code', channel: login.channel, length: login.codeLength, nextChannels: login.nextChannels },
    typed: '',
    resendAt: state.now + Math.min(Math.max(wait, 0), MAX_RESEND_MS),
    sentAt: state.now,
    checkAt: state.now + CHECK_INTERVAL_MS,
  };
};

/** Shows the field for the code that was sent. */
export function showCode(state: State, login: CodeLogin, more: Partial<CodeScreen> = {}): Change {
  const screen = { ...codeScreen(state, login), ...more };
  return turn(
    state,
    { screen, note: state.note, steps: { ...state.steps, instead: 'now' } },
    { do: 'read_sms', on: screen.channel === 'sms' },
  );
}

export const isCodePending = (login: CurrentLogin | Login): login is CodeLogin =>
  (!('status' in login) || login.status === 'pending') && 'codeLength' in login;

/** Why a login that is not over has no code to type, by what the server says of it. */
export function failureOfLogin(login: Login | CurrentLogin, state: State): FailureName {
  const status = 'status' in login ? login.status : 'pending';
  if (state.login?.isStepUp === true) return 'step_up';
  // The server does not say whether the operator or a limit is the cause.
  if (login.reason === 'silent_auth_unavailable') return 'code_only';
  if (login.reason !== undefined) return login.reason;
  if (status === 'expired') return 'login_expired';
  if (status !== 'pending') return 'unsuccessful';
  return login.channel === null ? 'code_only' : 'unfinished';
}

/** Shows the progress of a login: the field for its code, or why it continues otherwise. */
export const showLogin = (state: State, login: Login | CurrentLogin, failure?: Failure): Change =>
  isCodePending(login)
    ? showCode(state, login, { failure })
    : turn(state, {
        screen: failed(failure ?? { name: failureOfLogin(login, state) }, login.nextChannels),
      });
