/**
 * Marks that text carries unseen when it is copied: bidi marks, joiners, a byte order mark,
 * keycaps.
 */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Me}]/gu;

/**
 * Text without invisible marks, and with the digits 0 to 9 for the decimal digits of any script.
 */
export const withPlainDigits = (text: string): string =>
  text.replace(INVISIBLE, '').replace(/\p{Nd}/gu, (digit) => String(valueOf(digit)));

/** Unicode encodes the decimal digits of a script as ten code points in a row, from zero on. */
function valueOf(digit: string): number {
  const at = digit.codePointAt(0) ?? 0;
  let zero = at;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return (at - zero) % 10;
}
