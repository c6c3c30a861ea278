import {
  isTypedCode,
  type CallAnswer,
  type CallRequest,
  type Call,
  type Lane,
  type OperatorView,
} from './calls.js';

export type Step = '1' | '2' | '3' | '4' | '5' | 'code' | 'after';

export interface Caption {
  tone: 'plain' | 'good' | 'bad';
  says: string;
}

export const plain = (says: string): Caption => ({ tone: 'plain', says });
export const good = (says: string): Caption => ({ tone: 'good', says });
export const bad = (says: string): Caption => ({ tone: 'bad', says });

export interface LoginFacts {
  /** E.164. */
  number: string;
  seen: OperatorView | undefined;
  /** How the last message came, such as `SMS` or `a call`. */
  sentBy: string | undefined;
}

export type AnsweredCall = Pick<Call, 'asked' | 'isOtherSession'> & { answered: CallAnswer } & LoginFacts;

export interface CallDescription {
  method: string;
  path: RegExp;
  /** Distinguishes calls with the same method and path. */
  matches?: (asked: CallRequest) => boolean;
  from: Lane;
  to: Lane;
  /** `same`: the step of the previous call. */
  step: Step | 'same';
  /** Whether a login may start here. `unless-started` prefers an existing one of the number. */
  startsLogin?: 'always' | 'unless-started';
  /** Of consecutive polls, only the last one is kept. */
  isPoll?: true;
  request: string | ((call: Call) => string);
  /** Absent for messages, which have no answer. */
  answer?: (call: AnsweredCall) => Caption;
  /** The state of the login after this answer; undefined if it does not change. */
  outcome?: (call: AnsweredCall) => Caption | undefined;
}

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
export const serverToOperator = between('server', 'operator');
export const vonageToServer = between('vonage', 'server');
export const vonageToDevice = between('vonage', 'device');

/** The messages of Verify by the method that records them. Both texts continue a sentence. */
export const MESSAGES: Record<string, { by: string; goes: string }> = {
  SMS: { by: 'SMS', goes: 'An SMS with a code goes to' },
  RCS: { by: 'RCS', goes: 'An RCS message with a code goes to' },
  WHATSAPP: { by: 'WhatsApp', goes: 'A WhatsApp message with a code goes to' },
  CALL: { by: 'a call', goes: 'A call reads a code out to' },
};

/** By the server's `error` or `reason`. Each text continues a sentence. */
const REASONS: Record<string, string> = {
  no_link:
    'there is no link for this number, so it cannot be verified silently. The app can continue with a code, if the server offers one',
  not_on_cellular: 'the operator says that the device did not use its mobile network',
  denied:
    'the operator did not see a SIM. It never does on Wi-Fi: the link has to be opened over the mobile network',
  consent_required: 'the operator wants the user’s consent first',
  number_not_supported: 'the operator does not support this number',
  operator_error: 'Vonage or the operator returned an error',
  invalid_code: 'the code is wrong, was used before, or belongs to the login of another session',
  wrong_client:
    'the link was opened by another browser or app than the one that started the login. It gets no code, so no user is logged in',
  blocked: 'Vonage’s fraud rules blocked the message',
  rejected: 'the network rejected the message',
  user_rejected: 'the user rejected the message',
  unreachable: 'the phone of this number cannot be reached',
  too_many_attempts: 'too many wrong codes were typed',
  login_expired: 'the login took too long',
  login_in_progress: 'another login for this number is in progress',
  no_more_channels: 'there is no other channel left to send a code',
  upstream_timeout: 'the answer took too long, and the server does not repeat the request',
  upstream_error: 'the answer could not be read, and the server accepts only a clear confirmation',
  unavailable: 'Vonage or the operator limits the rate of requests',
};

const numberMismatch = ({ seen, number }: AnsweredCall): string => {
  if (!seen) return `the SIM in the device does not have the number ${number}`;
  if (seen.sim === null) return 'the number of the SIM in the device is unknown';
  return `the SIM that opened the link is ${seen.sim}, and the login is for ${number}`;
};

/** @param error the name of an error or reason, or the fields of the server's answer */
export const failed = (call: AnsweredCall, error: string | Record<string, unknown>): Caption => {
  const names = typeof error === 'string' ? [error] : [error['reason'], error['error']].map(String);
  if (names[0] === 'number_mismatch') return bad(`It failed, as it should: ${numberMismatch(call)}.`);
  const why = names.map((name) => REASONS[name]).find((each) => each !== undefined);
  return bad(`It failed: ${why ?? `the server says ${names.at(-1) ?? 'nothing'}`}.`);
};

export const linkIssued = plain('The app has a link. It has not been opened yet.');

export const codeIssued = plain(
  'The device has a code. The user is logged in when the app presents it in the session that started the login.',
);

export const mistyped = bad(
  'The user is not logged in yet: the typed code is not the one that was sent. There are three attempts.',
);

export const wrongSession = bad(
  'It failed, as it should: the code was presented in another session than the one that started the login. A code works only in its own session.',
);

export const succeeded = ({ asked, number, sentBy }: AnsweredCall): Caption =>
  good(
    isTypedCode(asked)
      ? `It worked, by ${sentBy ?? 'SMS'}: the user typed the code that was sent to ${number}.`
      : `It worked: the SIM that opened the link has the number ${number}, and the code was presented in the session that started the login. The user had no code to type.`,
  );
