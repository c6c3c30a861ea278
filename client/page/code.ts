import { withPlainDigits } from './digits.js';

/** Groups of digits that are no part of an amount or of a word in Latin letters. */
const digits = (groups: string): RegExp =>
  // Without lookbehind, which Safari supports only since 16.4.
  new RegExp(`(?:^|[^\\dA-Za-z.,]|(?:^|\\D)[.,])(${groups})(?![\\dA-Za-z]|[.,]\\d)`, 'gu');

const RUN = digits('\\d+');

/** As messages write long codes: `123 456`, `123-456`. */
const GROUPS = digits('\\d+(?:[\\s\\p{Pd}]\\d+)+');

const INTERNATIONAL = /\+\d(?:[^\S\n]?[\d\p{Pd}()])+/gu;

/** A number such as `030 123456`, whose last digits are as many as those of a code. */
const national = (length: number): RegExp =>
  new RegExp(`(^|[^\\d.,:/\\p{Pd}])0\\d{1,5}[)\\p{Zs}/\\p{Pd}]{1,3}\\d{${length}}(?!\\d)`, 'gu');

/**
 * The content of the code field after `text` was typed or pasted: typed digits, or the code in a
 * pasted message. Empty if the message has no run of exactly `length` digits, or different ones.
 */
export function readCode(text: string, length: number): string {
  const whole = withPlainDigits(text).trim();
  const plain = whole.replace(INTERNATIONAL, ' ').replace(national(length), '$1 ');
  if (isTyped(plain, length)) return joined(plain);
  const runs = codesIn(plain.matchAll(RUN), length);
  const [code = '', ...others] = runs.length > 0 ? runs : codesIn(plain.matchAll(GROUPS), length);
  return others.length > 0 ? '' : code;
}

function codesIn(found: Iterable<RegExpMatchArray>, length: number): string[] {
  const groups = [...found].map(([, each = '']) => each).filter(isEven);
  return [...new Set(groups.map(joined))].filter((each) => each.length === length);
}

export const isComplete = (code: string, length: number): boolean =>
  code.length === length && /^[0-9]+$/.test(code);

/** Whether the text is the beginning of a code, or digits and perhaps one key hit by mistake. */
const isTyped = (plain: string, length: number): boolean =>
  /^\d*$/.test(plain) ||
  (/^[\d\s\p{Pd}]+$/u.test(plain) ? joined(plain).length < length : plain.length <= length + 1);

const joined = (groups: string): string => groups.replace(/\D/g, '');

/** Whether the groups have nearly the same length, unlike those of a month or a phone number. */
function isEven(groups: string): boolean {
  const lengths = groups.split(/\D/).map((group) => group.length);
  return Math.max(...lengths) - Math.min(...lengths) <= 1;
}
