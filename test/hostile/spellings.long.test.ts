import examples from 'libphonenumber-js/examples.mobile.json';
import {
  getCountries,
  getExampleNumber,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from 'libphonenumber-js/max';
import { startSystem, WITH_CODES, type System } from '../support/system.js';
import { createHttpClient, type HttpClient } from './adversary/http-client.js';
import { addToSummary } from './summary.js';

/** The library's example of a mobile number in each region. */
const EXAMPLES = getCountries().map((country) => getExampleNumber(country, examples) as PhoneNumber);

/** The most digits of an E.164 number. */
const MOST_DIGITS = 15;

const digits = (count: number): string[] =>
  Array.from({ length: 10 ** count }, (_, each) => `${each}`.padStart(count, '0'));
const [ONE, TWO, THREE] = [digits(1), digits(2), digits(3)];

/**
 * The number with up to three digits inserted at one place, with or without its first national
 * digit.
 */
function* withMoreDigits({ countryCallingCode, nationalNumber }: PhoneNumber): Generator<string> {
  for (const rest of [nationalNumber, nationalNumber.slice(1)]) {
    for (let at = 0; at <= 4; at++) {
      for (const more of [...ONE, ...TWO, ...(at === 0 ? THREE : [])])
        yield `+${countryCallingCode}${rest.slice(0, at)}${more}${rest.slice(at)}`;
    }
  }
}

/** Common spellings that are not E.164. */
const otherForms = ({ number, countryCallingCode: code, nationalNumber: rest }: PhoneNumber): string[] => [
  `${code}${rest}`,
  `00${code}${rest}`,
  `+00${code}${rest}`,
  `+ ${code}${rest}`,
  `+${code} ${rest}`,
  `+${code}(0)${rest}`,
  `+${code}-${rest}`,
  `tel:${number}`,
  `${number};ext=1`,
  `${number}#`,
  `${number}\u200e`,
  number.replaceAll(/[0-9]/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
];

/** Spellings that the library parses as this number, and common ones. */
const spellingsOf = (example: PhoneNumber): string[] => {
  const longer = [...withMoreDigits(example)].filter(
    (text) =>
      text.length <= 1 + MOST_DIGITS &&
      text !== example.number &&
      parsePhoneNumberFromString(text)?.number === example.number,
  );
  return [...new Set([...longer, ...otherForms(example)])];
};

describe('the number of a phone', () => {
  let system: System;
  let client: HttpClient;
  beforeAll(async () => {
    system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off' } });
    client = createHttpClient();
  });
  afterAll(async () => {
    client.close();
    await system.stop();
  });

  const isAccepted = async (text: string): Promise<boolean> =>
    (await client.ask('POST', `${system.base}/login`, { body: { phone_number: text } })).status === 201;

  test('has exactly one accepted spelling in every region', async () => {
    const accepted: string[][] = [];
    let tried = 0;
    for (const example of EXAMPLES) {
      const spellings = [example.number, ...spellingsOf(example)];
      tried += spellings.length;
      const answers = await Promise.all(spellings.map(isAccepted));
      accepted.push(spellings.filter((_text, at) => answers[at]));
    }
    addToSummary({
      'cases tried': tried,
      'cases refused': tried - accepted.flat().length,
      'spellings accepted (of one number, at the most)': Math.max(...accepted.map(({ length }) => length)),
    });
    expect(accepted).toEqual(EXAMPLES.map(({ number }) => [number]));
    expect(tried).toBeGreaterThan(13 * EXAMPLES.length);
  }, 120_000);
});
