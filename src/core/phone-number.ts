import {
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
  type CountryCode,
} from 'libphonenumber-js/max';

declare const brand: unique symbol;

/** A phone number (MSISDN) in E.164 with its `+`: `+447700900000`. Made by {@link parsePhoneNumber} alone. */
export type PhoneNumber = string & { readonly [brand]: true };

/** ITU-T E.164 with the plus sign; the lower bound keeps out short codes. Nothing is trimmed or repaired. */
const E164 = /^\+[1-9][0-9]{6,14}$/;

/** Vonage's Virtual Operator answers for +990, a country code nobody was given, so numbering data does not know it. */
const VIRTUAL_OPERATOR = /^\+990[0-9]{5,12}$/;

let last: { input: string; found: ReturnType<typeof parsePhoneNumberFromString> } | undefined;

/** Looks a number up in the numbering plans. Several things are asked of a number that came in, one after the other. */
function lookUp(input: string) {
  if (last?.input !== input) last = { input, found: parsePhoneNumberFromString(input) };
  return last.found;
}

/**
 * Reads a phone number as a client must send it: E.164, ASCII digits, a country code that exists
 * and a length that country uses, in the spelling that libphonenumber itself writes. It reads other
 * spellings too, such as one with a national prefix (`+4407…`) or with a token that is dialled for
 * mobile phones (`+541115…`): they would make several users of one phone. Ranges are not checked,
 * since numbering data is older than the numbers operators hand out.
 */
export function parsePhoneNumber(input: string): PhoneNumber | undefined {
  if (!E164.test(input)) return undefined;
  if (VIRTUAL_OPERATOR.test(input)) return input as PhoneNumber;
  const found = lookUp(input);
  return found?.number === input && found.isPossible() ? (input as PhoneNumber) : undefined;
}

/** What Vonage's Virtual Operator is called among countries: a code that ISO 3166 leaves to its users. */
const VIRTUAL_COUNTRY = 'XV';

/** A country by its ISO 3166 alpha-2 code, or `XV` for Vonage's Virtual Operator. */
export type Country = CountryCode | typeof VIRTUAL_COUNTRY;

/** Whether text is the code of a country that has a numbering plan. */
export const isCountry = (text: string): text is Country =>
  text === VIRTUAL_COUNTRY || isSupportedCountry(text);

/** Ranges in which whoever is called or written to earns by it, or in which no phone with a SIM can be. */
const NOT_FOR_LOGINS = new Set<string | undefined>(
  'PREMIUM_RATE SHARED_COST TOLL_FREE PERSONAL_NUMBER VOIP PAGER UAN VOICEMAIL'.split(' '),
);

/** What the numbering plans say of a number. They are older than some ranges: a kind that is not known is no reproach. */
export interface Numbering {
  /**
   * ISO 3166 alpha-2, or `XV`; where the range does not tell it, the country that gave its name to the country code. Absent for
   * the codes above all countries, such as those of satellites.
   */
  country: string | undefined;
  /** Whether it can be somebody's own phone: no premium, shared-cost, toll-free, satellite or VoIP range, and the like. */
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
 * countries: a mobile number of Åland looks like one of Finland. They belong to each of these.
 */
export function mayBeOf(countries: readonly Country[], phoneNumber: PhoneNumber): boolean {
  const { country } = numberingOf(phoneNumber);
  return countries.some((each) => each === country || isInPlanOf(each, phoneNumber));
}

function isInPlanOf(country: Country, phoneNumber: PhoneNumber): boolean {
  if (country === VIRTUAL_COUNTRY) return false;
  if (getCountryCallingCode(country) !== lookUp(phoneNumber)?.countryCallingCode) return false;
  const number = parsePhoneNumberFromString(phoneNumber);
  // By itself the library names the first country whose plan has the number, and looks no further.
  return number !== undefined && Object.assign(number, { country }).isValid();
}
