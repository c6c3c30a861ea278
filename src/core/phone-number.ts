import {
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
  type CountryCode,
} from 'libphonenumber-js/max';

declare const brand: unique symbol;

/** A phone number in E.164: `+447700900000`. Only {@link parsePhoneNumber} makes one. */
export type PhoneNumber = string & { readonly [brand]: true };

/** ITU-T E.164 with the plus sign; the lower bound keeps out short codes. */
export const E164 = /^\+[1-9][0-9]{6,14}$/;

/** Vonage's Virtual Operator has +990, an unassigned country code without numbering data. */
const VIRTUAL_OPERATOR = /^\+990[0-9]{5,12}$/;

let last: { input: string; found: ReturnType<typeof parsePhoneNumberFromString> } | undefined;

/** Looks a number up in the numbering plans. Keeps the last one, which a login asks for again. */
function lookUp(input: string) {
  if (last?.input !== input) last = { input, found: parsePhoneNumberFromString(input) };
  return last.found;
}

/**
 * Parses a phone number: E.164 with an existing country code and a length that the country uses, in
 * the form that libphonenumber writes. Other forms that it reads, such as a national prefix
 * (`+4407…`) or a mobile token (`+541115…`), would let one phone be several users. Ranges are not
 * checked, because operators assign numbers faster than numbering data is updated.
 */
export function parsePhoneNumber(input: string): PhoneNumber | undefined {
  if (!E164.test(input)) return undefined;
  if (VIRTUAL_OPERATOR.test(input)) return input as PhoneNumber;
  const found = lookUp(input);
  return found?.number === input && found.isPossible() ? (input as PhoneNumber) : undefined;
}

/** The country of Vonage's Virtual Operator: a code that ISO 3166 leaves to its users. */
const VIRTUAL_COUNTRY = 'XV';

/** A country by its ISO 3166 alpha-2 code, or `XV` for Vonage's Virtual Operator. */
export type Country = CountryCode | typeof VIRTUAL_COUNTRY;

export const isCountry = (text: string): text is Country =>
  text === VIRTUAL_COUNTRY || isSupportedCountry(text);

/** Types of numbers whose owners earn by calls or messages, or that no phone with a SIM has. */
const NOT_FOR_LOGINS = new Set<string | undefined>(
  'PREMIUM_RATE SHARED_COST TOLL_FREE PERSONAL_NUMBER VOIP PAGER UAN VOICEMAIL'.split(' '),
);

/** What the numbering plans say. They miss recent ranges, so an unknown type is accepted. */
export interface Numbering {
  /**
   * ISO 3166 alpha-2, or `XV`. If the range does not determine it, the main country of the country
   * code. Absent for codes of no country, such as those of satellites.
   */
  country: string | undefined;
  /** Whether it can be a personal phone: no premium, toll-free, satellite or VoIP range, etc. */
  personal: boolean;
}

export function numberingOf(phoneNumber: PhoneNumber): Numbering {
  const number = lookUp(phoneNumber);
  if (number === undefined) return { country: VIRTUAL_COUNTRY, personal: true };
  return {
    country: number.country ?? number.getPossibleCountries()[0],
    personal: !number.isNonGeographic() && !NOT_FOR_LOGINS.has(number.getType()),
  };
}

/**
 * Whether a number may belong to one of these countries. Some numbers are in the plans of several
 * countries, such as mobile numbers of Åland and Finland, and belong to each of them.
 */
export function mayBeOf(countries: readonly Country[], phoneNumber: PhoneNumber): boolean {
  const { country } = numberingOf(phoneNumber);
  return countries.some((each) => each === country || isInPlanOf(each, phoneNumber));
}

function isInPlanOf(country: Country, phoneNumber: PhoneNumber): boolean {
  if (country === VIRTUAL_COUNTRY) return false;
  if (getCountryCallingCode(country) !== lookUp(phoneNumber)?.countryCallingCode) return false;
  const number = parsePhoneNumberFromString(phoneNumber);
  // By itself the library names only the first country whose plan has the number.
  return number !== undefined && Object.assign(number, { country }).isValid();
}
