import { isTypedCode, type Answered, type Asked, type Call, type Lane, type Seen } from './calls.js';

/** The headings of the diagram: the five steps, the typed code, and what follows a login. */
export type Step = '1' | '2' | '3' | '4' | '5' | 'code' | 'after';

export interface Words {
  tone: 'plain' | 'good' | 'bad';
  says: string;
}

export const plain = (says: string): Words => ({ tone: 'plain', says });
export const good = (says: string): Words => ({ tone: 'good', says });
export const bad = (says: string): Words => ({ tone: 'bad', says });

/** What is known of a login beside the call that is described. */
export interface LoginFacts {
  /** E.164. */
  number: string;
  seen: Seen | undefined;
  /** The channel of the last typed code. */
  sentBy: 'sms' | 'voice' | undefined;
}

/** An answered call and its login. */
export type AnsweredCall = Pick<Call, 'asked' | 'isStranger'> & { answered: Answered } & LoginFacts;

/** How one kind of call is described to a reader who sees a login for the first time. */
export interface CallDescription {
  method: string;
  path: RegExp;
  /** Tells apart calls that share method and path. */
  matches?: (asked: Asked) => boolean;
  from: Lane;
  to: Lane;
  /** `same` is the step of the call before. */
  step: Step | 'same';
  /** Whether a login may start here; `unless-started` prefers an existing one of the number. */
  startsLogin?: 'always' | 'unless-started';
  /** Polls are repeated: only the last of several in a row is kept. */
  isPoll?: true;
  request: string | ((call: Call) => string);
  /** Describes the answer. Messages to a phone have none. */
  answer?: (call: AnsweredCall) => Words;
  /** The state of the login after this answer; undefined where it does not change. */
  outcome?: (call: AnsweredCall) => Words | undefined;
}

/** The beginning of a description: who calls whom, by which method and path, in which step. */
const between = (from: Lane, to: Lane) => (method: string, path: RegExp, step: CallDescription['step']) => ({
  from,
  to,
  method,
  path,
  step,
});

export const deviceToServer = between('device', 'server');
export const deviceToVonage = between('device', 'vonage');
export const deviceToOperator = between('device', 'operator');
export const serverToVonage = between('server', 'vonage');
export const vonageToServer = between('vonage', 'server');
export const vonageToDevice = between('vonage', 'device');

/** Why a login failed, by the server's `error` or `reason`. Each text continues a sentence. */
const REASONS: Record<string, string> = {
  no_link:
    'there is no link for this number, so it cannot be confirmed in silence. Where codes are offered, the app goes on with one',
  not_on_cellular: 'the operator says that the device did not come over its mobile network',
  denied:
    'the operator did not see a SIM on this line. On Wi-Fi it never does: the link has to be opened over the mobile network',
  number_not_supported: 'the operator does not do this for this number',
  operator_error: 'Vonage or the operator could not finish, and said so instead of going on',
  invalid_code: 'the code is wrong, was used before, or belongs to another session’s login',
  wrong_client:
    'the link was opened in another place than where the login began. There it gives no code: the second half of the login is missing, and nobody is logged in',
  too_many_attempts: 'too many wrong codes were typed',
  login_expired: 'the login took too long',
  login_in_progress: 'a login for this number is under way already',
  no_more_channels: 'there is no other way left to send a code',
  upstream_timeout: 'the answer took too long, and the server does not ask twice',
  upstream_error: 'the answer could not be understood, and what is not a plain yes counts as no',
  unavailable: 'Vonage asks to slow down',
};

const numberMismatch = ({ seen, number }: AnsweredCall): string => {
  if (!seen) return `the SIM in the device does not have the number ${number}`;
  if (seen.sim === null) return 'nobody knows the number of the SIM in the device';
  return `the SIM that walked the link is ${seen.sim}, and the login is for ${number}`;
};

/** Says why the login failed, by the name of an error or reason, or by the server's answer. */
export const failed = (call: AnsweredCall, error: string | Record<string, unknown>): Words => {
  const names = typeof error === 'string' ? [error] : [error['reason'], error['error']].map(String);
  if (names[0] === 'number_mismatch') return bad(`It failed, as it should: ${numberMismatch(call)}.`);
  const why = names.map((name) => REASONS[name]).find((each) => each !== undefined);
  return bad(`It failed: ${why ?? `the server says ${names.at(-1) ?? 'nothing'}`}.`);
};

export const linkIssued = plain('The link is handed out. Nobody has opened it yet.');

export const codeIssued = plain(
  'The device holds a code, the second half of the login. Nobody is logged in until the app presents it, in the session that began.',
);

/** A typed code was wrong, and the login is still open. */
export const mistyped = bad(
  'Nobody is logged in yet: what was typed is not the code that was sent. There are three tries.',
);

/** The code came from another session than the one that began the login. */
export const wrongSession = bad(
  'It failed, as it should: the code was presented in another session than the one that began. It is the second half of the login, and worth nothing without the first.',
);

/** Says why the login succeeded. */
export const worked = ({ asked, number, sentBy }: AnsweredCall): Words =>
  good(
    isTypedCode(asked)
      ? `It worked, by ${sentBy === 'voice' ? 'a call' : 'SMS'}: whoever typed the code has the phone with ${number}.`
      : `It worked: the SIM that walked the link has the number ${number}, and the code came back in the session that began. Nothing had to be typed.`,
  );
