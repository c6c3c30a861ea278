import { withPlainDigits } from './digits.js';

/** The signs that look like a plus: full-width, small, superscript and heavy. */
const PLUS = /[\uff0b\ufe62\u207a\u2795]/g;

/** A number in text: digits, and between them what separates their groups. */
const RUN =
  /\+*[^\S\r\n(]*[([\uff08]*\d(?:[\d\p{Pd}\p{Zs}\t\u2212\u30fc./\\_~\u00b7\u2022()[\]\uff08\uff09\uff0e\uff0f]*\d)?/gu;

const EXTENSION =
  /(?:[;,]?\s*ext(?:ension|n)?|[\s\d)]x|#|\s(?:durchwahl|dw|poste|anexo|ramal|int|доб))[\s.:=]*\d{1,7}\s*$/iu;

/** A numbered label, such as `Mobile 2:` or `1)`, or a name that ends in a digit, such as `O2`. */
const NUMBERED_LABEL = /^[^\d(+]*[1-9]\d?\s*[:)]|\p{L}\d(?!\d)/u;

const TRUNK_ZERO = /[([\uff08]\s*0\s*[)\]\uff09]/;

const MIN_DIGITS = 5;

/**
 * The one phone number in a text as the strings of `+` and digits that it may stand for, the most
 * likely one first. A problem if the text has none, or several.
 */
export function dialledIn(text: string): readonly string[] | 'none' | 'long' {
  const plain = withoutScheme(withPlainDigits(text).replace(PLUS, '+'));
  const labelled = plain.replace(EXTENSION, (found) => (/^[\d)]/.test(found) ? found.charAt(0) : ''));
  const numbers = labelled.replace(NUMBERED_LABEL, ' ');
  const runs = [...numbers.matchAll(RUN)];
  const [run, ...more] = runs.map(([found]) => found);
  if (run === undefined) return 'none';
  if (more.length > 0)
    return runs.filter(([found]) => count(found) >= MIN_DIGITS).length > 1 ? 'long' : 'none';
  if (/(?:\d\D*){7}\/\s*0/.test(run)) return 'long';
  // In text that is written from right to left, the plus often ends up behind the number.
  const after = numbers.slice((runs[0]?.index ?? 0) + run.length);
  return variants(run.startsWith('+') || /^[\s)]*\+\s*$/.test(after) ? `+${run}` : run);
}

const count = (run: string): number => run.replace(/\D/g, '').length;

const joined = (run: string): string => (run.startsWith('+') ? '+' : '') + run.replace(/\D/g, '');

/**
 * A zero in brackets is dialled inside its country only, but in Italy it may belong to the number.
 */
function variants(run: string): string[] {
  const zeroes = TRUNK_ZERO.test(run.slice(1)) ? [run, run.replace(TRUNK_ZERO, '')] : [run];
  return zeroes.map(joined).flatMap((dialled) => {
    const national = dialled.replace(/^\+0/, '0');
    return /^00[1-9]/.test(national) ? [`+${national.slice(2)}`, national] : [national];
  });
}

/** The number of a `tel:` URI, with its context (RFC 3966), or the text itself. */
function withoutScheme(text: string): string {
  const [, uri] = /^\s*(?:tel|sms|callto):(.*)$/is.exec(text) ?? [];
  if (uri === undefined) return text;
  const [number = '', ...parameters] = decoded(uri).split(/[;?]/);
  const context = parameters.map((each) => /^phone-context=(\+\d+)$/i.exec(each)?.[1]).find(Boolean);
  return number.trim().startsWith('+') ? number : `${context ?? ''}${number}`;
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
