import { withPlainDigits } from './digits.js';

/** A run of digits that is no part of an amount, of a word in Latin letters, or of a phone number. */
const RUN = /(?<![\dA-Za-z+]|\d[.,])\d+(?![\dA-Za-z]|[.,]\d)/g;

/** Groups of digits, as messages write long codes: `123 456`, `123-456`. */
const GROUPS = /(?<![\dA-Za-z+]|\d[.,])\d+(?:[\s\p{Pd}]\d+)+(?![\dA-Za-z]|[.,]\d)/gu;

/**
 * The content of the code field after `text` was typed or pasted: typed digits, or the code in a
 * pasted message. Empty if the message has no run of exactly `length` digits, or different ones.
 */
export function readCode(text: string, length: number): string {
  const plain = withPlainDigits(text).trim();
  const digits = plain.replace(/\D/g, '');
  if (isTyped(plain, length)) return digits;
  const runs = only(plain.match(RUN) ?? [], length);
  if (runs.length > 0) return runs.length === 1 ? (runs[0] ?? '') : '';
  const groups = only((plain.match(GROUPS) ?? []).filter(isEven).map(joined), length);
  return groups.length === 1 ? (groups[0] ?? '') : '';
}

export const isComplete = (code: string, length: number): boolean =>
  code.length === length && /^[0-9]+$/.test(code);

/** Whether the text is a code, or its beginning, perhaps with one key hit by mistake. */
const isTyped = (plain: string, length: number): boolean =>
  /^\d*$/.test(plain) ||
  plain.length <= length + 1 ||
  (/^[\d\s\p{Pd}]+$/u.test(plain) && joined(plain).length <= length);

const joined = (groups: string): string => groups.replace(/\D/g, '');

/** Whether the groups have nearly the same length, unlike those of a month or a phone number. */
function isEven(groups: string): boolean {
  const lengths = groups.split(/\D/).map((group) => group.length);
  return Math.max(...lengths) - Math.min(...lengths) <= 1;
}

const only = (found: readonly string[], length: number): string[] => [
  ...new Set(found.filter((run) => run.length === length)),
];
