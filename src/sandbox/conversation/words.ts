import type { Answered, Asked, Lane, Seen } from './call.js';

/** The headings of the diagram: the five steps, the code to type, and what comes after a login. */
export type Step = '1' | '2' | '3' | '4' | '5' | 'code' | 'after';

export interface Words {
  tone: 'plain' | 'good' | 'bad';
  says: string;
}

export const plain = (says: string): Words => ({ tone: 'plain', says });
export const good = (says: string): Words => ({ tone: 'good', says });
export const bad = (says: string): Words => ({ tone: 'bad', says });

/** What is known when an answer is told. */
export interface Told {
  asked: Asked;
  answered: Answered;
  number: string;
  seen: Seen | undefined;
}

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
  /** A message: nobody answers it. */
  isOneWay?: true;
  says: string | ((asked: Asked) => string);
  hears: (told: Told) => Words;
  /** Where the login stands after this answer. */
  stands?: (told: Told) => Words | undefined;
}
