import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

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
 * Reads a phone number as a client must send it: E.164, ASCII digits, a country code that exists and a length that
 * country uses. Ranges are not checked, since numbering data is older than the numbers operators hand out.
 */
export function parsePhoneNumber(input: string): PhoneNumber | undefined {
  if (!E164.test(input)) return undefined;
  const known = VIRTUAL_OPERATOR.test(input) || lookUp(input)?.isPossible() === true;
  return known ? (input as PhoneNumber) : undefined;
}

/** What Vonage's Virtual Operator is called among countries: a code that ISO 3166 leaves to its users. */
const VIRTUAL_COUNTRY = 'XV';

/** Whether text is an ISO 3166 alpha-2 code of a country with telephones, or `XV` for Vonage's Virtual Operator. */
export const isCountry = (text: string): boolean => text === VIRTUAL_COUNTRY || isSupportedCountry(text);

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
