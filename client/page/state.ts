import type {
  Channel,
  CodeChannel,
  CurrentLogin,
  Login,
  LoginError,
  NextLogin,
  Session,
  Verification,
} from '../silent-auth.js';
import type { CountryCode } from './numbering.js';
import type { Hint } from './phone-number.js';
import type { Words } from './words.js';

/** What the server writes into the page, beside the words. */
export interface Settings {
  /** Whether the server can log in without a code: `SILENT_AUTH` is not `off`. */
  silent: boolean;
  /** Whether the page shows the steps of a login and their times. */
  explain: boolean;
  /** Where the user goes once logged in. */
  continueUrl?: string | undefined;
}

/** The login of this tab, which `sessionStorage` keeps through the redirects and reloads. */
export interface TabLogin {
  /** E.164. */
  number: string;
  loginId: string;
  /** The click on "Log in", as all times here in ms since the epoch. */
  startedAt: number;
  /** Milliseconds of the first two steps. */
  durations: readonly (number | undefined)[];
  leftAt?: number | undefined;
  /** The SIM was confirmed, and a code is required as well. */
  isStepUp?: boolean | undefined;
}

export type NumberProblem = keyof Words['number']['problem'];
export type FailureName = keyof Words['failures'];

/**
 * A request for a code that the server does not accept before `until`, and that is then repeated.
 */
export interface Queue {
  until: number;
  channel: CodeChannel;
  resend: boolean;
}

export interface NumberScreen {
  at: 'number';
  problem?: NumberProblem | undefined;
  hint?: Hint | undefined;
}

/** Waits for the link, for the device to leave the page, or for the answer of the operator. */
export interface WaitScreen {
  at: 'wait';
  for: 'link' | 'device' | 'answer';
  since: number;
  nextChannels: readonly CodeChannel[];
}

/** Another login of the number is in progress. This one begins at `until`. */
export interface QueueScreen {
  at: 'queue';
  until: number;
}

export type CodeProblem =
  | { name: 'incomplete' }
  | { name: 'wrong'; triesLeft: number | undefined }
  | { name: 'not_checked'; failure: Failure };

export interface CodeScreen {
  at: 'code';
  channel: CodeChannel;
  length: number;
  nextChannels: readonly CodeChannel[];
  typed: string;
  busy?: 'checking' | 'sending' | undefined;
  problem?: CodeProblem | undefined;
  /** Why a code is needed, or why another one could not be sent. */
  failure?: Failure | undefined;
  /** From this time, the server sends another code by this channel. */
  resendAt: number;
  sentAt: number;
  /** When to ask next whether the message failed. */
  checkAt: number;
  /** From this time, the server sends any code. */
  sendAt?: number | undefined;
  queue?: Queue | undefined;
}

export interface Failure {
  name: FailureName;
  /** Before this time, the server refuses another attempt. */
  retryAt?: number | undefined;
}

export interface FailedScreen {
  at: 'failed';
  failure: Failure;
  nextChannels: readonly CodeChannel[];
  /**
   * What "Try again" repeats: the login, the code of the device, the fragment, or all of the page.
   */
  again: 'login' | 'verify' | 'fragment' | 'reload';
  /** The code of the device, until the server has answered. */
  proof?: string | undefined;
  sending?: CodeChannel | undefined;
  /** From this time, the server sends any code. */
  sendAt?: number | undefined;
  /** Another attempt would end in the same way. */
  isFinal?: boolean | undefined;
  /** How many codes were refused here. */
  refusals?: number | undefined;
  queue?: Queue | undefined;
}

export interface DoneScreen {
  at: 'done';
  phoneNumber: string;
  channel: Channel;
  /** ISO 8601; unknown directly after a login. */
  expiresAt?: string | undefined;
  busy?: boolean | undefined;
  failure?: FailureName | undefined;
}

export type Screen = NumberScreen | WaitScreen | QueueScreen | CodeScreen | FailedScreen | DoneScreen;

/** The five steps of a login. `reached` counts from zero. */
export interface Steps {
  reached: number;
  state: 'idle' | 'now' | 'failed';
  /** The step of a typed code, in place of those that failed. */
  instead?: 'now' | 'done' | 'failed' | undefined;
  durations: readonly (number | undefined)[];
  /** From the click to the session. */
  totalMs?: number | undefined;
  why?: keyof Words['explain']['why'] | undefined;
}

/** What the page keeps while it is loaded anew in another language. */
export interface Left extends Pick<State, 'typed' | 'country' | 'number'> {
  screen?: NumberScreen | FailedScreen;
  steps?: Steps;
}

/** A message about what has just happened. */
export type Note =
  | { text: 'cancelled' | 'loggedOut' | 'logoutFailed' | 'otherTabIn' | 'otherTabOut' }
  | { text: 'sentAgain' | 'sending'; channel: CodeChannel };

export interface State {
  now: number;
  settings: Settings;
  country: CountryCode;
  /** The text in the field for the number. */
  typed: string;
  /** The number that is being logged in, in E.164. */
  number: string | undefined;
  /** The kind of network, if the browser names it. A hotspot looks like Wi-Fi. */
  network: 'wifi' | 'cellular' | undefined;
  login: TabLogin | undefined;
  screen: Screen;
  /** When the user pressed "Log in". */
  startedAt: number;
  /** The fragment that is being looked at. */
  fragment: string;
  polls: number;
  steps: Steps;
  note: Note | undefined;
  /** Counts what the user did. Answers to requests of an earlier turn are ignored. */
  turn: number;
}

export interface Timing {
  durationMs: number | undefined;
  /** By name, as in `Server-Timing`. */
  serverMs: Record<string, number>;
}

/** Why `GET /login` is asked. */
export type CurrentPurpose =
  | 'link'
  | 'fragment'
  | 'error'
  | 'resume'
  | 'send'
  | 'channels'
  | 'check'
  | 'wrong_code'
  | 'after';

/** What a request is about, which comes back with its answer. */
export type Request =
  | { do: 'login'; number: string }
  | { do: 'current'; for: CurrentPurpose; afterMs?: number; failure?: Failure; queue?: Omit<Queue, 'until'> }
  | { do: 'verify'; code: string }
  | { do: 'next'; channel: CodeChannel; resend: boolean }
  | { do: 'session'; failure?: FailureName }
  | { do: 'logout' };

export type Effect =
  | Request
  /** Ends the login at the server, then asks for the session. */
  | { do: 'cancel' }
  | { do: 'open'; url: string }
  | { do: 'continue'; url: string }
  | { do: 'reload' }
  | { do: 'keep'; login: TabLogin | undefined }
  | { do: 'leave'; left: Left }
  | { do: 'notify'; change: OtherTabChange }
  | { do: 'read_sms'; on: boolean };

export type OtherTabChange = 'in' | 'out' | 'login';

export type Problem = Pick<LoginError, 'error' | 'retryAfter' | 'nextChannels' | 'reason'>;

interface Answers {
  login: Login;
  current: CurrentLogin | undefined;
  verify: Verification;
  next: NextLogin;
  session: Session;
  logout: undefined;
}

export type Answer = {
  [Name in Request['do']]: {
    on: 'answer';
    to: Name;
    request: Extract<Request, { do: Name }>;
    /** The turn in which it was asked. */
    turn: number;
    timing: Timing;
  } & ({ ok: true; result: Answers[Name] } | { ok: false; problem: Problem });
}[Request['do']];

export type AnswerTo<Name extends Request['do']> = Extract<Answer, { to: Name }>;

/** The page was loaded, or restored from the back/forward cache. */
export interface Opened {
  on: 'open';
  fragment: string;
  login: TabLogin | undefined;
  left?: Left | undefined;
  keepsCookies: boolean;
  loadedAt: number;
}

export type Event =
  | Opened
  /** Another language was chosen: `url` is that of the page in it. */
  | { on: 'language'; url: string }
  | { on: 'hashchange'; fragment: string }
  | { on: 'type'; text: string; format: boolean }
  | { on: 'country'; country: CountryCode }
  | { on: 'network'; type: string | undefined }
  /** `pressedAt` if the button was pressed before this script came. */
  | { on: 'submit'; keepsCookies: boolean; pressedAt?: number }
  | { on: 'retry' | 'take_hint'; keepsCookies: boolean }
  | { on: 'cancel' | 'change' | 'submit_code' | 'logout' | 'tick' }
  | { on: 'type_code'; text: string }
  | { on: 'send'; channel: CodeChannel; resend: boolean }
  | { on: 'other_tab'; change: OtherTabChange }
  | Answer;

/** The next state, and what is to be done beside it. */
export interface Change {
  state: State;
  effects: readonly Effect[];
}

export const change = (state: State, changes: Partial<State>, ...effects: Effect[]): Change => ({
  state: { ...state, ...changes },
  effects,
});

/** A change by something that the user did: answers to earlier requests no longer count. */
export const turn = (state: State, changes: Partial<State>, ...effects: Effect[]): Change =>
  change(state, { note: undefined, ...changes, turn: state.turn + 1 }, ...effects);

export const NO_STEPS: Steps = { reached: 0, state: 'idle', durations: [] };

export const initialState = (settings: Settings, country: CountryCode, now: number): State => ({
  ...{ now, settings, country, typed: '', number: undefined, network: undefined, login: undefined },
  ...{ screen: { at: 'number' }, startedAt: now, fragment: '', polls: 0 },
  ...{ steps: NO_STEPS, note: undefined, turn: 0 },
});
