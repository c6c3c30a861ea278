import {
  AsYouType,
  getCountries,
  getCountryCallingCode,
  metadata,
  parsePhoneNumberFromString,
  validatePhoneNumberLength,
  type CountryCode,
  type PhoneNumber,
} from './numbering.js';
import { dialledIn } from './dialled.js';
import { withPlainDigits } from './digits.js';

/**
 * Why another number was probably meant, or why the number is probably not that of a phone with a
 * SIM.
 */
export type HintReason =
  | 'argentina_mobile'
  | 'mexico_one'
  | 'brazil_nine'
  | 'benin_01'
  | 'italy_zero'
  | 'country_code'
  | 'landline';

/** The number that was probably meant. For a landline it is the number that was read. */
export interface Hint {
  number: string;
  why: HintReason;
}

type Problem = 'none' | 'short' | 'long' | 'invalid_phone_number';

export type ReadNumber = { number: string; country?: CountryCode; hint?: Hint } | { problem: Problem };

const PROBLEMS: Record<string, 'short' | 'long'> = {
  TOO_SHORT: 'short',
  INVALID_LENGTH: 'short',
  TOO_LONG: 'long',
};

/** ITU-T E.164 with the plus sign; the lower bound keeps out short codes. */
const E164 = /^\+[1-9][0-9]{6,14}$/;

/** Vonage's Virtual Operator, which no numbering data has. */
const VIRTUAL_OPERATOR = /^\+990[0-9]{5,12}$/;

/** What mobile numbers of a calling code have or no longer have, to insert or remove. */
const CORRECTIONS: readonly { code: string; why: HintReason; from: RegExp; to: string }[] = [
  { code: '54', why: 'argentina_mobile', from: /^([1-8]\d{9})$/, to: '9$1' },
  { code: '52', why: 'mexico_one', from: /^(?:1|04[45])(\d{10})$/, to: '$1' },
  // Landlines have eight digits that begin with 2 to 5.
  { code: '55', why: 'brazil_nine', from: /^(\d\d)([6-9]\d{7})$/, to: '$19$2' },
  { code: '229', why: 'benin_01', from: /^(\d{8})$/, to: '01$1' },
  { code: '39', why: 'italy_zero', from: /^0(3\d+)$/, to: '$1' },
];

/**
 * Reads the phone number in a text that was typed or pasted, such as `Mobile: 07700 900000`.
 * @returns the number in E.164, in the form that the server accepts, or why there is none
 */
export function readNumber(text: string, country: CountryCode): ReadNumber {
  const found = find(text, country);
  if ('problem' in found) return found;
  const { number, hint = hintFor(number) } = found;
  return { number, ...countryOf(number, country), ...(hint && { hint }) };
}

/**
 * The hint is present if the number was corrected, because it could not exist as it was written.
 */
function find(text: string, country: CountryCode): { number: string; hint?: Hint } | { problem: Problem } {
  const dialled = dialledIn(text);
  if (typeof dialled === 'string') return { problem: dialled };
  const virtual = dialled.find((each) => VIRTUAL_OPERATOR.test(each));
  if (virtual !== undefined) return { number: virtual };
  const read = dialled.map((each) => parse(each, country)).filter((each) => each !== undefined);
  const best = read.find(isMobile) ?? read.find(isAccepted);
  if (best !== undefined) return { number: best.number };
  const hint = read.map(correct).find((each) => each !== undefined);
  if (hint !== undefined) return { number: hint.number, hint };
  const problem = validatePhoneNumberLength(dialled[0] ?? '', country);
  return { problem: problem === undefined ? 'invalid_phone_number' : (PROBLEMS[problem] ?? 'none') };
}

const parse = (dialled: string, country?: CountryCode): PhoneNumber | undefined =>
  parsePhoneNumberFromString(dialled, { ...(country && { defaultCountry: country }), extract: false });

/** The server takes only the one form of a number that libphonenumber writes. */
const isAccepted = (read: PhoneNumber): boolean =>
  E164.test(read.number) && read.isPossible() && parse(read.number)?.number === read.number;

/** This numbering data has mobile numbers only, so others are never valid. */
const isMobile = (read: PhoneNumber): boolean => read.isValid() && isAccepted(read);

function hintFor(number: string): Hint | undefined {
  const read = parse(number);
  if (read === undefined || isMobile(read)) return undefined;
  return correct(read) ?? (isLandline(number) ? { number, why: 'landline' } : undefined);
}

/** A mobile number that differs from `read` only by a known correction. */
function correct({ countryCallingCode: code, nationalNumber: national }: PhoneNumber): Hint | undefined {
  const repeated = {
    code,
    why: 'country_code',
    from: new RegExp(`^(?:00)?${code}(\\d+)$`),
    to: '$1',
  } as const;
  for (const { why, from, to } of [...CORRECTIONS.filter((each) => each.code === code), repeated]) {
    const meant = from.test(national) ? parse(`+${code}${national.replace(from, to)}`) : undefined;
    if (meant && isMobile(meant)) return { number: meant.number, why };
  }
  return undefined;
}

/**
 * Whether no mobile number of the country begins with the same two digits, not even one that is a
 * digit longer or shorter. Numbering data misses recent ranges and those that are reserved for
 * tests, but such a range begins like one that is known.
 */
function isLandline(number: string): boolean {
  const read = parse(number);
  const plans = metadata.country_calling_codes[read?.countryCallingCode ?? ''];
  if (read === undefined || plans === undefined) return false;
  const [start, rest] = [read.nationalNumber.slice(0, 2), read.nationalNumber.slice(4)];
  const middles = Array.from({ length: 100 }, (_, digits) => String(digits).padStart(2, '0'));
  const likeIt = [rest, `${rest}0`, rest.slice(1)].flatMap((end) =>
    middles.map((each) => start + each + end),
  );
  const isMobileIn = (country: CountryCode) =>
    likeIt.some((nationalNumber) => Object.assign(read, { country, nationalNumber }).isValid());
  return !plans.some(isMobileIn);
}

/** Several countries may share a calling code. The first of them is the main one. */
function countryOf(number: string, chosen: CountryCode): { country?: CountryCode } {
  const read = parse(number);
  const country = read?.country ?? mainCountry(read?.countryCallingCode, chosen);
  return country ? { country } : {};
}

function mainCountry(code: string | undefined, chosen: CountryCode): CountryCode | undefined {
  if (code === undefined) return undefined;
  const all = metadata.country_calling_codes[code] ?? [];
  return all.includes(chosen) ? chosen : all[0];
}

/**
 * A number as its country writes it, while it is typed, and the country that it shows. The text
 * stays as it is if formatting would change the number that is read.
 */
export function formatAsTyped(text: string, country: CountryCode): { text: string; country: CountryCode } {
  const dialled = dialledIn(text);
  const digits = typeof dialled === 'string' ? undefined : dialled.at(-1);
  if (digits === undefined) return { text, country };
  const typing = new AsYouType(country);
  const shown = typing.input(digits);
  if (!keepsNumber(shown, text, country)) return { text, country };
  const found = digits.startsWith('+') ? typing.getCallingCode() : undefined;
  return { text: shown, country: typing.getCountry() ?? mainCountry(found, country) ?? country };
}

/**
 * Whether `shown` is read like `text`. While `text` is no number yet, it must also have the same
 * digits as `shown`, and no letters.
 */
function keepsNumber(shown: string, text: string, country: CountryCode): boolean {
  const [after, before] = [shown, text].map((each) => ({ ...find(each, country), dialled: dialledIn(each) }));
  if (JSON.stringify(after) !== JSON.stringify(before)) return false;
  const typed = withPlainDigits(text);
  const isWhole = !/\p{L}/u.test(typed) && typed.replace(/\D/g, '') === shown.replace(/\D/g, '');
  return 'number' in find(text, country) || isWhole;
}

/** The text after another country is chosen: an international number gets its calling code. */
export function withCountry(text: string, country: CountryCode): string {
  const dialled = dialledIn(text);
  const [digits = ''] = typeof dialled === 'string' ? [] : dialled;
  if (!digits.startsWith('+')) return formatAsTyped(text, country).text;
  const national = parse(digits)?.nationalNumber ?? '';
  return formatAsTyped(`+${getCountryCallingCode(country)}${national}`, country).text;
}

/** All countries with their names and calling codes, such as `44`, sorted for the language. */
export function countries(locale: string): { code: CountryCode; name: string; callingCode: string }[] {
  const names = new Intl.DisplayNames([locale], { type: 'region' });
  const { compare } = new Intl.Collator(locale);
  return getCountries()
    .map((code) => ({ code, name: names.of(code) ?? code, callingCode: getCountryCallingCode(code) }))
    .sort((one, other) => compare(one.name, other.name));
}
