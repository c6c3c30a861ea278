import examples from 'libphonenumber-js/examples.mobile.json';
import {
  getCountries,
  getExampleNumber,
  parsePhoneNumberFromString,
  type CountryCode,
  type PhoneNumber as Read,
} from 'libphonenumber-js/max';
import { mayBeOf, parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';
import { ALICE, startSystem, withSystem, WITH_CODES, type System } from './support/system.js';

const login = (system: System, phoneNumber: string) =>
  system.app().post('/login').send({ phone_number: phoneNumber });

/** One system for the tests of a `describe`, which is empty at the start of each. */
function useSystem(): () => System {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());
  return () => system;
}

/** Refused before anything is counted, kept or asked. */
const nothingHappened = async (system: System) => {
  expect(await system.upstream()).toEqual([]);
  expect(await system.redis.dbsize()).toBe(0);
};

/** The mobile number that the library gives as the example of a region. */
const exampleOf = (country: CountryCode): Read => {
  const example = getExampleNumber(country, examples);
  if (!example) throw new Error(`there is no example of ${country}`);
  return example;
};
const EXAMPLES = getCountries().map(exampleOf);

/**
 * What is dialled before a number in its own country: a prefix, with a carrier in some countries.
 */
const PREFIXES = [
  ...Array.from({ length: 10 }, (_, digit) => `${digit}`),
  ...Array.from({ length: 100 }, (_, digits) => `${digits}`.padStart(2, '0')),
  ...Array.from({ length: 100 }, (_, carrier) => `0${`${carrier}`.padStart(2, '0')}`),
];

/** Other ways to write a number behind its country code. */
const spellingsOf = ({ countryCallingCode: code, nationalNumber }: Read): string[] => [
  ...[...PREFIXES, code, `00${code}`, `${code}0`].map((prefix) => `+${code}${prefix}${nationalNumber}`),
  ...[1, 2, 3, 4].flatMap((at) =>
    ['0', '1', '9', '15'].map(
      (token) => `+${code}${nationalNumber.slice(0, at)}${token}${nationalNumber.slice(at)}`,
    ),
  ),
  // What stands before it may as well be missing.
  ...[1, 2, 3].map((digits) => `+${code}${nationalNumber.slice(digits)}`),
];

describe('a phone has one number', () => {
  const system = useSystem();

  test('the example number of every region is let in', () =>
    withSystem({ store: 'memory', env: { ...WITH_CODES, SILENT_AUTH: 'off' } }, async (silentless) => {
      expect(EXAMPLES.length).toBeGreaterThan(240);
      for (const { number } of EXAMPLES) await login(silentless, number).expect(201);
    }));

  test('no other spelling of such a number is accepted', () => {
    let spellings = 0;
    const accepted = EXAMPLES.flatMap((example) =>
      spellingsOf(example).filter((spelling) => {
        // Most spellings are those of another number, or of none.
        const read = parsePhoneNumberFromString(spelling);
        if (spelling === example.number || read?.number !== example.number) return false;
        spellings++;
        return parsePhoneNumber(spelling) !== undefined;
      }),
    );
    expect(accepted).toEqual([]);
    expect(spellings).toBeGreaterThan(200);
  });

  test.each([
    ['a national prefix', '+4407700900000'],
    ['a national prefix', '+610412345678'],
    ['a national prefix', '+49015112345678'],
    ['a national prefix', '+330612345678'],
    ['a national prefix', '+788005553535'],
    ['the country code twice', '+112015550123'],
    ['the country code twice', '+447700900000'.replace('44', '4444')],
    ['the token of mobile phones in Argentina', '+54111523456789'],
    ['the former token of mobile phones in Mexico', '+5215512345678'],
    ['a carrier in Brazil', '+5501511961234567'],
    ['no area code in San Marino', '+378886377'],
  ])('with %s it is refused: %s', async (_what, spelling) => {
    const refused = await login(system(), spelling).expect(400);
    expect(refused.body.error).toBe('invalid_phone_number');
    await nothingHappened(system());
  });

  test.each(['+390612345678', '+5491123456789', '+525512345678', '+3780549886377', '+5511961234567'])(
    'as its numbering plan writes it, it is let in: %s',
    async (number) => {
      await login(system(), number).expect(201);
    },
  );
});

describe('numbers that no phone has', () => {
  const system = useSystem();

  test.each([
    ['premium rate', '+19005551234'],
    ['premium rate', '+448432123456'],
    ['shared cost', '+491805123456'],
    ['toll-free', '+18005551234'],
    ['follow-me', '+447012345678'],
    ['internet telephony', '+445612345678'],
    ['company-wide', '+445500000000'],
    ['satellite (Inmarsat)', '+870773111632'],
    ['satellite (Iridium)', '+8816123456789'],
    ['global', '+88216123456'],
    ['global', '+883510012345'],
    ['global personal', '+878101234567890'],
    ['global premium rate', '+979123456789'],
    ['global toll-free', '+80012345678'],
  ])('(%s) are refused: %s', async (_kind, number) => {
    const refused = await login(system(), number).expect(403);
    expect(refused.body.error).toBe('number_not_allowed');
    await nothingHappened(system());
  });

  test.each([
    ['mobile', '+4915112345678'],
    ['either mobile or not', '+12025550123'],
    ['fixed', '+442079460000'],
    ['of a range the plans do not know', ALICE],
    ['of the virtual operator', '+99012345678'],
  ])('are not those that are %s: %s', async (_kind, number) => {
    await login(system(), number).expect(201);
  });
});

describe('ALLOWED_COUNTRIES', () => {
  test.each([
    ['GB', '+442079460000'],
    ['GB', ALICE],
    ['DE,GB', '+4915112345678'],
    ['CA', '+14165550123'],
    ['US', '+12025550123'],
    ['XV', '+99012345678'],
    // These numbers cannot be distinguished from those of the other country.
    ['AX', '+358412345678'],
    ['BL', '+590690001234'],
    ['CC', '+61412345678'],
    ['CX', '+61412345678'],
    ['EH', '+212650123456'],
    ['IM', '+447924123456'],
    ['MF', '+590690001234'],
    ['SJ', '+4741234567'],
    ['VA', '+393123456789'],
    ['FI', '+358412345678'],
    ['AX', '+3581812345'],
  ])('%s lets in %s', (countries, number) =>
    withSystem({ env: { ALLOWED_COUNTRIES: countries } }, async (system) => {
      await login(system, number).expect(201);
    }),
  );

  test.each([
    ['GB', '+4915112345678'],
    ['US', '+14165550123'],
    ['US', '+12423570000'],
    ['DE', ALICE],
    ['GB', '+99012345678'],
    ['XV', ALICE],
    ['AX', ALICE],
    ['FI', '+3581812345'],
    ['IM', ALICE],
    ['GB', '+447624123456'],
    ['KZ', '+79123456789'],
    ['GP,MF', '+4741234567'],
  ])('%s keeps out %s', (countries, number) =>
    withSystem({ env: { ALLOWED_COUNTRIES: countries } }, async (system) => {
      const refused = await login(system, number).expect(403);
      expect(refused.body.error).toBe('country_not_allowed');
      await nothingHappened(system);
    }),
  );

  test('every country lets in the example number of its own plan', () => {
    const closed = getCountries().filter(
      (country) => !mayBeOf([country], parsePhoneNumber(exampleOf(country).number) as PhoneNumber),
    );
    expect(closed).toEqual([]);
  });
});
