import { createHmac, hkdfSync } from 'node:crypto';
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

declare const brand: unique symbol;

/** A phone number (MSISDN) in E.164 with its `+`: `+447700900000`. Made by {@link parsePhoneNumber} alone. */
export type PhoneNumber = string & { readonly [brand]: true };

/** ITU-T E.164 with the plus sign; the lower bound keeps out short codes. Nothing is trimmed or repaired. */
const E164 = /^\+[1-9][0-9]{6,14}$/;

/** Vonage's Virtual Operator answers for +990, a country code nobody was given, so numbering data does not know it. */
const VIRTUAL_OPERATOR = /^\+990[0-9]{5,12}$/;

/**
 * Reads a phone number as a client must send it: E.164, ASCII digits, a country code that exists and a length that
 * country uses. Ranges are not checked, since numbering data is older than the numbers operators hand out.
 */
export function parsePhoneNumber(input: string): PhoneNumber | undefined {
  if (!E164.test(input)) return undefined;
  const known = VIRTUAL_OPERATOR.test(input) || parsePhoneNumberFromString(input)?.isPossible() === true;
  return known ? (input as PhoneNumber) : undefined;
}

/** Names a number in logs: the same number gives the same name, and nobody without the secret can turn it back. */
export function createPseudonym(secret: string): (number: PhoneNumber) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'silent-auth pseudonym', 32));
  return (number) => createHmac('sha256', key).update(number).digest('base64url').slice(0, 16);
}
