import type { Answered, Asked, Call, Lane, Seen } from './call.js';

/** The headings of the diagram: the five steps, the code to type, and what comes after a login. */
export type Step = '1' | '2' | '3' | '4' | '5' | 'code' | 'after';

export interface Words {
  tone: 'plain' | 'good' | 'bad';
  says: string;
}

export const plain = (says: string): Words => ({ tone: 'plain', says });
export const good = (says: string): Words => ({ tone: 'good', says });
export const bad = (says: string): Words => ({ tone: 'bad', says });

/** What is known of a login, beside the call that is told. */
export interface Known {
  /** E.164. */
  number: string;
  seen: Seen | undefined;
  /** How the last code to type was sent. */
  sent: 'sms' | 'voice' | undefined;
}

/** A call that was answered, and what is known by now. */
export type Told = Pick<Call, 'asked' | 'isStranger'> & { answered: Answered } & Known;

/** One kind of call, and how it is told to somebody who sees it for the first time. */
export interface Row {
  method: string;
  path: RegExp;
  /** For calls that only their content tells apart. */
  when?: (asked: Asked) => boolean;
  from: Lane;
  to: Lane;
  /** `same` is that of the call before. */
  step: Step | 'same';
  /** A login may begin with this call; `again` looks first for one that is under way for the same number. */
  begins?: 'new' | 'again';
  /** Asked again and again: only the last of a run is kept. */
  isPoll?: true;
  says: string | ((call: Call) => string);
  /** What came back. Without it this is a message, which nobody answers. */
  hears?: (told: Told) => Words;
  /** Where the login stands after this answer. */
  stands?: (told: Told) => Words | undefined;
}
