import type { CodeChannel } from '../silent-auth.js';
import { isComplete, readCode } from './code.js';
import {
  CHECK_INTERVAL_MS,
  CHECK_UNTIL_MS,
  end,
  failed,
  failedSteps,
  failureOf,
  failureOfLogin,
  FINAL,
  isCodePending,
  isEarly,
  isPassing,
  showCode,
} from './screens.js';
import {
  change,
  turn,
  type AnswerTo,
  type Change,
  type CodeScreen,
  type FailedScreen,
  type Failure,
  type Queue,
  type State,
} from './state.js';

/** Codes by SMS, RCS, WhatsApp and call, which the user types. */

type WithCodes = CodeScreen | FailedScreen;
const withCodes = ({ screen }: State): WithCodes | undefined =>
  screen.at === 'code' || screen.at === 'failed' ? screen : undefined;

const isBusy = (screen: WithCodes): boolean =>
  screen.at === 'code' ? screen.busy !== undefined : screen.sending !== undefined;

/** Asks first if the login is still this one, since another tab may have begun one since. */
export function send(state: State, wanted: { channel: CodeChannel; resend: boolean }): Change {
  const screen = withCodes(state);
  if (!screen || isBusy(screen) || isEarly(state, screen.sendAt)) return change(state, {});
  if (wanted.resend && screen.at === 'code' && isEarly(state, screen.resendAt)) return change(state, {});
  const { channel, resend } = wanted;
  const busy = screen.at === 'code' ? { busy: 'sending' as const, problem: undefined } : { sending: channel };
  return turn(
    state,
    { screen: { ...screen, ...busy, queue: undefined }, note: { text: 'sending', channel } },
    { do: 'current', for: 'send', queue: { channel, resend } },
  );
}

/** The login is the one of this tab: sends the code. */
export const sendNow = (state: State, { channel, resend }: Omit<Queue, 'until'>): Change =>
  change(state, {}, { do: 'next', channel, resend });

const idle = (screen: WithCodes): WithCodes =>
  screen.at === 'code' ? { ...screen, busy: undefined } : { ...screen, sending: undefined };

export function sent(state: State, answer: AnswerTo<'next'>): Change {
  const { channel, resend } = answer.request;
  const screen = withCodes(state);
  if (answer.ok) {
    const note = resend && answer.result.sent ? ({ text: 'sentAgain', channel } as const) : undefined;
    return showCode({ ...state, note }, answer.result);
  }
  const { problem } = answer;
  if (isPassing(problem) && screen) {
    const queue = { until: state.now + (problem.retryAfter ?? 0) * 1000, channel, resend };
    return change(state, { screen: { ...idle(screen), queue }, note: undefined });
  }
  const failure = failureOf(problem, state.now);
  if (problem.error === 'no_more_channels')
    return change(state, { note: undefined }, { do: 'current', for: 'channels', failure });
  if (problem.error === 'no_login' || problem.error === 'login_expired' || !screen)
    return end(state, failure);
  return turn(state, { screen: refused(screen, failure) });
}

/** The server did not send a code. Its limits count all channels together. */
function refused(screen: WithCodes, { name, retryAt: sendAt }: Failure): WithCodes {
  const failure = { name };
  if (screen.at === 'code') return { ...screen, busy: undefined, failure, sendAt };
  const isFinal = screen.isFinal === true || FINAL.includes(screen.failure.name);
  return { ...screen, sending: undefined, failure, sendAt, isFinal };
}

export function typeCode(state: State, text: string): Change {
  const { screen } = state;
  if (screen.at !== 'code' || screen.busy !== undefined) return change(state, {});
  const typed = readCode(text, screen.length);
  const next = change(state, { screen: { ...screen, typed } });
  return isComplete(typed, screen.length) && typed !== screen.typed ? submitCode(next.state) : next;
}

export function submitCode(state: State): Change {
  const { screen } = state;
  if (screen.at !== 'code' || screen.busy !== undefined) return change(state, {});
  if (!isComplete(screen.typed, screen.length))
    return turn(state, { screen: { ...screen, problem: { name: 'incomplete' } } });
  return turn(
    state,
    { screen: { ...screen, busy: 'checking', problem: undefined, failure: undefined, queue: undefined } },
    { do: 'verify', code: screen.typed },
  );
}

/** `POST /verify` refused a typed code. */
export function codeRefused(state: State, problem: Parameters<typeof failureOf>[0]): Change {
  const { screen } = state;
  if (screen.at !== 'code') return change(state, {});
  const failure = failureOf(problem, state.now);
  switch (problem.error) {
    case 'invalid_code':
    case 'login_expired':
      // Vonage may have continued with a call, or the session may have ended.
      return change(
        state,
        {},
        {
          do: 'current',
          for: problem.error === 'invalid_code' ? 'wrong_code' : 'after',
          failure: { name: 'code_expired' },
        },
      );
    case 'login_refused':
    case 'too_many_attempts':
      return end(state, failure);
  }
  return turn(state, { screen: { ...screen, busy: undefined, problem: { name: 'not_checked', failure } } });
}

/** `GET /login` after a refused code: `login` is undefined without an answer. */
export function afterWrongCode(state: State, answer: AnswerTo<'current'>): Change {
  const { screen } = state;
  if (screen.at !== 'code') return change(state, {});
  const login = answer.ok ? answer.result : undefined;
  if (answer.ok && (!login || !isCodePending(login))) return codeOver(state, login, { name: 'code_expired' });
  const triesLeft = login && 'triesLeft' in login ? login.triesLeft : undefined;
  const problem = { name: 'wrong', triesLeft } as const;
  if (login && isCodePending(login) && login.channel !== screen.channel)
    return showCode(state, login, { problem });
  return turn(state, { screen: { ...screen, busy: undefined, typed: '', problem } });
}

/** The code can no longer be right. Shows why, and the channels that are left. */
export function codeOver(
  state: State,
  login: Parameters<typeof failureOfLogin>[0] | undefined,
  failure: Failure,
): Change {
  if (!login) return end(state, failure);
  const reason = login.reason === undefined ? failure : { name: failureOfLogin(login, state) };
  return turn(
    state,
    { screen: failed(reason, login.nextChannels), steps: failedSteps(state) },
    { do: 'read_sms', on: false },
  );
}

/** A second has passed: repeats a request that is due, and asks whether the message failed. */
export function tickCode(state: State): Change {
  const { screen, now } = state;
  if (screen.at !== 'code' && screen.at !== 'failed') return change(state, {});
  const { queue } = screen;
  if (queue && now >= queue.until) return send({ ...state, screen: { ...screen, queue: undefined } }, queue);
  if (screen.at !== 'code' || queue || screen.busy !== undefined || now < screen.checkAt)
    return change(state, {});
  if (screen.checkAt > screen.sentAt + CHECK_UNTIL_MS) return change(state, {});
  return change(
    state,
    { screen: { ...screen, checkAt: now + CHECK_INTERVAL_MS } },
    { do: 'current', for: 'check' },
  );
}

export function checked(state: State, answer: AnswerTo<'current'>): Change {
  const { screen } = state;
  if (screen.at !== 'code' || screen.busy !== undefined || screen.queue || !answer.ok)
    return change(state, {});
  if (!answer.result) return end(state, { name: 'no_login' });
  if (answer.result.reason === undefined) return change(state, {});
  return codeOver(state, answer.result, { name: 'not_delivered' });
}

export const cancelQueue = (state: State): Change => {
  const screen = withCodes(state);
  return screen
    ? change(state, { screen: { ...screen, queue: undefined }, note: { text: 'cancelled' } })
    : change(state, {});
};
