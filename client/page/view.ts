import type { CodeChannel } from '../silent-auth.js';
import { viewSteps, type StepsView } from './view-steps.js';
import { formatAsTyped } from './phone-number.js';
import { FINAL } from './screens.js';
import type {
  CodeScreen,
  DoneScreen,
  FailedScreen,
  FailureName,
  Note,
  NumberScreen,
  State,
} from './state.js';
import {
  countdown,
  dateTime,
  fill,
  ltr,
  plain,
  plural,
  timeSpan,
  type Language,
  type Ltr,
  type Text,
} from './words.js';

export type ScreenName = 'number' | 'wait' | 'code' | 'failed' | 'done';
export type Mark = 'busy' | 'good' | 'bad' | 'more';

export interface ChannelButton {
  channel: CodeChannel;
  text: string;
  /** Whether the server accepts the request only later. */
  isEarly: boolean;
}

/** All that the page shows. A part of another screen is absent. */
export interface View {
  screen: ScreenName;
  title: string;
  lead: Text;
  checks: readonly string[];
  mark?: Mark | undefined;
  /** A message about what has just happened, which a screen reader announces. */
  note: string;
  /** The focus moves when the key changes, and never otherwise. */
  focus: { key: string; on: 'heading' | 'phone' | 'code' };
  /** The number that the screen is about, and if it can be changed. */
  who?: { text: Text; canChange: boolean } | undefined;
  number?: NumberView;
  wait?: { reached: number; left?: Text };
  code?: CodeView;
  failed?: FailedView;
  done?: { number: Ltr; until?: string | undefined; continueUrl?: string | undefined; isBusy: boolean };
  steps?: StepsView;
}

interface NumberView {
  text: string;
  country: string;
  error: string;
  hint?: { text: string; take: Text } | undefined;
  tip?: { title: string; text: string } | undefined;
}

interface CodeView {
  label: string;
  length: number;
  text: string;
  error: string;
  isBusy: boolean;
  submit: string;
  resend: { channel: CodeChannel; text: Text; isEarly: boolean };
  channels: readonly ChannelButton[];
  left?: Text | undefined;
}

interface FailedView {
  /** Absent if another attempt cannot end otherwise. */
  retry?: { text: string; isEarly: boolean } | undefined;
  channels: readonly ChannelButton[];
  /** Which button is filled, and comes first. */
  main: 'retry' | 'channel' | 'change';
  isBusy: boolean;
}

/** After this time, waiting is longer than usual. */
const SLOW_MS = 8_000;

export function view(state: State, language: Language): View {
  const steps = state.settings.explain ? { steps: viewSteps(state, language) } : {};
  return { checks: [], ...viewScreen(state, language), ...steps };
}

type Shown = Omit<View, 'checks'> & Partial<Pick<View, 'checks'>>;

function viewScreen(state: State, language: Language): Shown {
  const { screen } = state;
  switch (screen.at) {
    case 'number':
      return viewNumber(state, screen, language);
    case 'wait':
      return viewWait(state, screen.since, language);
    case 'queue':
      return viewQueue(state, screen.until, language);
    case 'code':
      return viewCode(state, screen, language);
    case 'failed':
      return screen.queue
        ? viewQueue(state, screen.queue.until, language)
        : viewFailed(state, screen, language);
    case 'done':
      return viewDone(state, screen, language);
  }
}

const shownNumber = ({ number, country }: State): Ltr | undefined =>
  number === undefined ? undefined : ltr(formatAsTyped(number, country).text);

const who = (state: State, canChange: boolean): Pick<View, 'who'> => {
  const number = shownNumber(state);
  return number ? { who: { text: [number], canChange } } : {};
};

function viewNumber(state: State, { problem, hint }: NumberScreen, language: Language): Shown {
  const { number, tip } = language.words;
  const { silent } = state.settings;
  const { turn, network } = state;
  const take =
    hint &&
    fill(hint.why === 'landline' ? number.hint.keep : number.hint.take, {
      number: ltr(formatAsTyped(hint.number, state.country).text),
    });
  const note = noteText(state.note, language);
  const isAsked = problem !== undefined || hint !== undefined;
  return {
    ...{ screen: 'number', title: number.title, lead: [silent ? number.lead : number.leadCode], note },
    focus: isAsked
      ? { key: `number ${turn}`, on: 'phone' }
      : { key: 'number', on: note === '' ? 'phone' : 'heading' },
    number: {
      ...{ text: state.typed, country: state.country },
      error: problem === undefined ? '' : number.problem[problem],
      hint: hint && { text: number.hint[hint.why], take: take ?? [] },
      tip:
        silent && !isAsked
          ? {
              title: network === 'wifi' ? tip.wifi : network === 'cellular' ? tip.cellular : tip.title,
              text: network === 'cellular' ? tip.cellularText : tip.text,
            }
          : undefined,
    },
  };
}

function viewWait(state: State, since: number, { words: { wait } }: Language): Shown {
  const { silent } = state.settings;
  const isLink = state.screen.at === 'wait' && state.screen.for === 'link';
  return {
    ...{ screen: 'wait', mark: 'busy', ...who(state, false) },
    title: silent ? wait.title : wait.titleCode,
    lead: [silent ? wait.text : wait.textCode],
    note: state.now - since >= SLOW_MS ? wait.slow : '',
    focus: { key: 'wait', on: 'heading' },
    wait: { reached: isLink ? 0 : 1 },
  };
}

function viewQueue(state: State, until: number, { words: { queue } }: Language): Shown {
  const isLogin = state.screen.at === 'queue';
  return {
    ...{ screen: 'wait', mark: 'busy', title: queue.title, note: '', ...who(state, false) },
    lead: [isLogin ? queue.login : queue.code],
    focus: { key: 'queue', on: 'heading' },
    wait: { reached: 0, left: fill(queue.left, { time: countdown(until - state.now) }) },
  };
}

function viewCode(state: State, screen: CodeScreen, language: Language): Shown {
  const { code, queue, failures } = language.words;
  const { channel, length, problem, busy, failure } = screen;
  const resendAt = Math.max(screen.resendAt, screen.sendAt ?? 0);
  const isEarly = state.now < resendAt;
  const number = shownNumber(state);
  const why = failure && `${failures[failure.name].title}. ${failures[failure.name].text}`;
  const note = screen.queue ? queue.code : noteText(state.note, language) || (why ?? '');
  return {
    ...{ screen: 'code', title: code.title[channel], lead: [], note },
    focus: { key: `code ${channel} ${problem ? state.turn : ''}`, on: 'code' },
    ...(number && { who: { text: fill(code.sent[channel], { number }), canChange: true } }),
    code: {
      ...{ length, text: screen.typed, isBusy: busy !== undefined },
      label: plural(code.label, length, language),
      error: codeError(screen, language),
      submit: busy === 'checking' ? code.checking : code.submit,
      resend: {
        ...{ channel, isEarly },
        text: isEarly
          ? fill(code.resendIn[channel], { time: countdown(resendAt - state.now) })
          : [code.resend[channel]],
      },
      channels: buttons(state, code.instead, language),
      left: screen.queue && fill(queue.left, { time: countdown(screen.queue.until - state.now) }),
    },
  };
}

function codeError({ problem, length }: CodeScreen, language: Language): string {
  const { code, failures } = language.words;
  switch (problem?.name) {
    case undefined:
      return '';
    case 'incomplete':
      return plural(code.incomplete, length, language);
    case 'wrong':
      return problem.triesLeft === undefined
        ? code.wrong
        : `${code.wrong} ${plural(code.tries, problem.triesLeft, language)}`;
    case 'not_checked': {
      const { title, text } = failures[problem.failure.name];
      return `${code.notSent} ${title}. ${text}`;
    }
  }
}

function buttons(
  { screen, now }: State,
  texts: Record<CodeChannel, string>,
  language: Language,
): readonly ChannelButton[] {
  if (screen.at !== 'code' && screen.at !== 'failed') return [];
  const waitMs = (screen.sendAt ?? 0) - now;
  const time = timeSpan(waitMs / 1000, language, 'short').replaceAll(' ', '\u00a0');
  const left = waitMs > 0 ? ` · ${time}` : '';
  return screen.nextChannels.map((channel) => ({
    ...{ channel, text: texts[channel] + left },
    isEarly: left !== '',
  }));
}

/** Failures of the network of the device, and what the user can do about each. */
const CHECKS: Partial<Record<FailureName, readonly ('wifi' | 'vpn' | 'sim')[]>> = {
  not_on_cellular: ['wifi', 'vpn'],
  denied: ['wifi', 'vpn'],
  not_completed: ['wifi', 'vpn'],
  other_number: ['sim'],
};
/** Failures of a code, after which the page offers another code first. */
const OF_CODES: readonly FailureName[] = [
  ...(['blocked', 'rejected', 'user_rejected', 'unreachable', 'not_delivered'] as const),
  ...(['no_more_channels', 'code_expired'] as const),
];
/** States that are no failure: the login goes on with a code. */
const GOING_ON: readonly FailureName[] = ['code_only', 'step_up'];

function viewFailed(state: State, screen: FailedScreen, language: Language): Shown {
  const { failures, failed, code } = language.words;
  const { name, retryAt } = screen.failure;
  const channels = buttons(state, code.get, language);
  const isFinal = screen.isFinal === true || FINAL.includes(name);
  // Also once the wait is over, since a button must not change under the finger.
  const works = { later: retryAt !== undefined, codesLater: screen.sendAt !== undefined };
  const prefersCode = isFinal || (!works.codesLater && (works.later || OF_CODES.includes(name)));
  return {
    ...{ screen: 'failed', title: failures[name].title, note: noteText(state.note, language) },
    lead: [failures[name].text],
    checks: (CHECKS[name] ?? []).map((check) => failed.checks[check]),
    mark: GOING_ON.includes(name) ? 'more' : 'bad',
    focus: { key: `failed ${name}`, on: 'heading' },
    ...who(state, true),
    failed: {
      channels,
      retry: isFinal ? undefined : retryButton(state, screen, language),
      main: prefersCode && channels.length > 0 ? 'channel' : isFinal ? 'change' : 'retry',
      isBusy: screen.sending !== undefined,
    },
  };
}

function retryButton({ number, now }: State, { failure, again }: FailedScreen, language: Language) {
  const { failed, number: form } = language.words;
  const waitMs = (failure.retryAt ?? 0) - now;
  if (waitMs > 0)
    return { text: plain(fill(failed.retryIn, { time: timeSpan(waitMs / 1000, language) })), isEarly: true };
  // After a link from elsewhere, no number is known.
  return { text: number === undefined && again === 'login' ? form.submit : failed.retry, isEarly: false };
}

function viewDone(state: State, screen: DoneScreen, language: Language): Shown {
  const { done, failures } = language.words;
  const { failure, expiresAt } = screen;
  const note =
    failure === undefined
      ? noteText(state.note, language)
      : `${failures[failure].title}. ${failures[failure].text}`;
  return {
    ...{ screen: 'done', mark: 'good', title: done.title, lead: [done.by[screen.channel]], note },
    focus: { key: 'done', on: 'heading' },
    done: {
      number: ltr(formatAsTyped(screen.phoneNumber, state.country).text),
      until: expiresAt === undefined ? undefined : dateTime(expiresAt, language),
      continueUrl: state.settings.continueUrl,
      isBusy: screen.busy === true,
    },
  };
}

function noteText(note: Note | undefined, { words: { done, failed, code } }: Language): string {
  switch (note?.text) {
    case undefined:
      return '';
    case 'cancelled':
      return failed.cancelled;
    case 'sending':
    case 'sentAgain':
      return code[note.text][note.channel];
    case 'loggedOut':
    case 'logoutFailed':
    case 'otherTabIn':
    case 'otherTabOut':
      return done[note.text];
  }
}
