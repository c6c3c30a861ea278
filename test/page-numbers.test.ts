import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json';
import { getCountries, getExampleNumber, type CountryCode } from 'libphonenumber-js/max';
import { countries, formatAsTyped, readNumber, withCountry } from '../client/page/phone-number.js';
import { guessCountry } from '../client/page/guess.js';
import { numberingOf, parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';

const UK = '+447700900000';
const FIXED = { seed: 17, numRuns: 120 };

describe('the number field reads', () => {
  test.each<[text: string, country: CountryCode, number: string]>([
    // As it is dialled.
    ['07700 900000', 'GB', UK],
    ['(07700) 900000', 'GB', UK],
    ['7700 900000', 'GB', UK],
    ['(415) 555-2671', 'US', '+14155552671'],
    ['1 415 555 2671', 'US', '+14155552671'],
    ['8 (916) 123-45-67', 'RU', '+79161234567'],
    ['06 12 34 56 78', 'FR', '+33612345678'],
    ['0151/12345678', 'DE', '+4915112345678'],
    ['0151 - 123 456 78', 'DE', '+4915112345678'],
    ['011 15-2345-6789', 'AR', '+5491123456789'],
    ['11 2345-6789', 'BR', '+551123456789'],
    // International.
    ['+44 7700 900000', 'US', UK],
    ['+ 44 7700 900000', 'US', UK],
    ['++44 7700 900000', 'US', UK],
    ['(+44) 7700 900000', 'US', UK],
    ['+44 (7700) 900000', 'US', UK],
    ['+44.7700.900000', 'US', UK],
    ['+44/7700/900000', 'US', UK],
    ['+44\u20137700\u2014900\u2011000', 'US', UK],
    ['0044 7700 900000', 'US', UK],
    ['+0044 7700 900000', 'US', UK],
    ['00 44 (0)7700 900000', 'US', UK],
    ['011 44 7700 900000', 'US', UK],
    ['011 44 7700 900000', 'CA', UK],
    ['0011 44 7700 900000', 'AU', UK],
    ['010 44 7700 900000', 'JP', UK],
    ['447700900000', 'GB', UK],
    ['+990 1234 00', 'GB', '+990123400'],
    // A trunk prefix that is dialled inside the country only.
    ['+44 (0)7700 900000', 'US', UK],
    ['+44 [0] 7700 900000', 'US', UK],
    ['+44 ( 0 ) 7700 900000', 'US', UK],
    ['+4407700900000', 'US', UK],
    ['+0 7700 900000', 'GB', UK],
    ['+49/0151/12345678', 'US', '+4915112345678'],
    ['+34 (0)612 345 678', 'US', '+34612345678'],
    ['+39 (0)347 123 4567', 'US', '+393471234567'],
    // URIs (RFC 3966).
    ['tel:+44-7700-900000', 'US', UK],
    ['TEL:+447700900000;ext=12', 'US', UK],
    ['tel:7700-900000;phone-context=+44', 'US', UK],
    ['tel:7700-900000;ext=1;phone-context=+44', 'US', UK],
    ['tel:07700900000;phone-context=example.com', 'GB', UK],
    ['tel:%2B447700900000', 'US', UK],
    ['tel:+447700900000%', 'US', UK],
    ['sms:+447700900000?body=Hello', 'US', UK],
    // Invisible marks, and spaces of all kinds.
    ['\u200e+44 7700 900000', 'US', UK],
    ['\u200f+447700900000\u200e', 'US', UK],
    ['\u202a+44 7700 900000\u202c', 'US', UK],
    ['\u2066+44 7700 900000\u2069', 'US', UK],
    ['+44\u200b7700\u2060900\ufeff000', 'US', UK],
    ['+44\u00ad7700\u200d900000', 'US', UK],
    ['+44\u00a07700\u202f900\u2009000\u3000', 'US', UK],
    ['\t+44 7700\t900000\r\n', 'US', UK],
    // Other digits and signs.
    ['＋４４　７７００　９０００００', 'US', UK],
    ['⁺44 7700 900000', 'US', UK],
    ['＋４４（０）７７００－９０００００', 'US', UK],
    ['٠٥٠ ١٢٣ ٤٥٦٧', 'SA', '+966501234567'],
    ['+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧', 'US', '+966501234567'],
    ['٩٦٦٥٠١٢٣٤٥٦٧+', 'US', '+966501234567'],
    ['۰۹۱۲ ۳۴۵ ۶۷۸۹', 'IR', '+989123456789'],
    ['९८७६५ ४३२१०', 'IN', '+919876543210'],
    ['০১৭১২-৩৪৫৬৭৮', 'BD', '+8801712345678'],
    ['𝟎𝟕𝟕𝟎𝟎 𝟗𝟎𝟎𝟎𝟎𝟎', 'GB', UK],
    ['0️⃣7️⃣7️⃣0️⃣0️⃣ 900000', 'GB', UK],
    // Text around it.
    ['Mobile: 07700 900000', 'GB', UK],
    ['Tel.: +44 7700 900000', 'US', UK],
    ['Tel.07700 900000', 'GB', UK],
    ['Handynummer 0151 12345678', 'DE', '+4915112345678'],
    ['جوال: ٠٥٠١٢٣٤٥٦٧', 'SA', '+966501234567'],
    ['📱 +44 7700 900000', 'US', UK],
    ['Mobile 2: 07700 900000', 'GB', UK],
    ['1) 07700 900000', 'GB', UK],
    ['O2: 07700 900000', 'GB', UK],
    ['07700 900000 (work)', 'GB', UK],
    ['Call me on 07700 900000, please.', 'GB', UK],
    ['+44 7700 900000 ext. 12', 'US', UK],
    ['+44 7700 900000 x12', 'US', UK],
    ['07700900000x123', 'GB', UK],
    ['07700 900000 #12', 'GB', UK],
    ['0151 12345678 Durchwahl 12', 'DE', '+4915112345678'],
  ])('%j in %s as %s', (text, country, number) =>
    expect(readNumber(text, country)).toMatchObject({ number }),
  );

  test.each<[text: string, country: CountryCode, problem: string]>([
    ['', 'GB', 'none'],
    ['   ', 'GB', 'none'],
    ['+', 'GB', 'none'],
    ['my number', 'GB', 'none'],
    ['me@example.com', 'GB', 'none'],
    ['+999 1234567', 'GB', 'none'],
    // Shorter than E.164.
    ['0000', 'IR', 'invalid_phone_number'],
    ['07700', 'DE', 'invalid_phone_number'],
    ['0770o900000', 'GB', 'none'],
    ['0770 9OO OOO 12', 'GB', 'none'],
    ['0', 'GB', 'short'],
    ['07700', 'GB', 'short'],
    ['+44 7700 9000', 'GB', 'short'],
    ['1-800-FLOWERS', 'US', 'short'],
    ['+44 7700 9000000', 'GB', 'long'],
    ['1'.repeat(200), 'GB', 'long'],
    // Two numbers are not joined to a third one.
    ['07700 900000, 07700 900001', 'GB', 'long'],
    ['07700 900000 or 07700 900001', 'GB', 'long'],
    ['07700 900000 07700 900001', 'GB', 'long'],
    ['07700 900000\n07700 900001', 'GB', 'long'],
    ['+44 7700 900000 +44 7700 900001', 'GB', 'long'],
    ['030 1234/030 5678', 'DE', 'long'],
    ['Tel. 030 123456, mobil 0151 12345678', 'DE', 'long'],
  ])('no number in %j in %s: %s', (text, country, problem) =>
    expect(readNumber(text, country)).toEqual({ problem }),
  );

  test.each<[text: string, country: CountryCode, number: string, why: string, meant: string]>([
    ['+54 11 2345-6789', 'GB', '+541123456789', 'argentina_mobile', '+5491123456789'],
    ['011 2345-6789', 'AR', '+541123456789', 'argentina_mobile', '+5491123456789'],
    ['+54 351 234-5678', 'AR', '+543512345678', 'argentina_mobile', '+5493512345678'],
    ['+52 1 55 1234 5678', 'GB', '+525512345678', 'mexico_one', '+525512345678'],
    ['1 55 1234 5678', 'MX', '+525512345678', 'mexico_one', '+525512345678'],
    ['044 55 1234 5678', 'MX', '+525512345678', 'mexico_one', '+525512345678'],
    ['+55 11 6123-4567', 'GB', '+551161234567', 'brazil_nine', '+5511961234567'],
    ['+229 97 12 34 56', 'GB', '+2290197123456', 'benin_01', '+2290197123456'],
    ['+39 0347 123 4567', 'GB', '+3903471234567', 'italy_zero', '+393471234567'],
    ['49 151 12345678', 'DE', '+494915112345678', 'country_code', '+4915112345678'],
    ['+49 49 151 12345678', 'DE', '+494915112345678', 'country_code', '+4915112345678'],
    ['020 7946 0958', 'GB', '+442079460958', 'landline', '+442079460958'],
    ['030 123456', 'DE', '+4930123456', 'landline', '+4930123456'],
    ['01 23 45 67 89', 'FR', '+33123456789', 'landline', '+33123456789'],
    ['+39 06 1234 5678', 'GB', '+390612345678', 'landline', '+390612345678'],
    ['+39 (0)6 1234 5678', 'GB', '+390612345678', 'landline', '+390612345678'],
    ['(02) 9876 5432', 'AU', '+61298765432', 'landline', '+61298765432'],
  ])('%j in %s as %s, with the hint %s: %s', (text, country, number, why, meant) =>
    expect(readNumber(text, country)).toMatchObject({ number, hint: { number: meant, why } }),
  );

  test.each<[text: string, country: CountryCode]>([
    ['+5491123456789', 'AR'],
    ['+525512345678', 'MX'],
    ['+5511961234567', 'BR'],
    // A landline in Brazil begins like mobile numbers.
    ['+551123456789', 'BR'],
    // Mobile numbers and landlines have the same ranges.
    ['+14155552671', 'US'],
    // Numbers for tests and fiction are in no range of mobile numbers, but next to one.
    [UK, 'GB'],
    // A landline of this length exists, but the number begins like a mobile number.
    ['+44770090000', 'GB'],
    ['+447700900103', 'GB'],
    ['+15555550100', 'US'],
    // Of no country.
    ['+870773111632', 'GB'],
  ])('%s in %s without a hint', (text, country) =>
    expect(readNumber(text, country)).toEqual(expect.not.objectContaining({ hint: expect.anything() })),
  );

  test.each<[text: string, chosen: CountryCode, country: CountryCode | undefined]>([
    ['+447700900000', 'US', 'GB'],
    ['+447700900000', 'JE', 'JE'],
    ['+14165550123', 'US', 'CA'],
    ['+77012345678', 'RU', 'KZ'],
    ['07700 900000', 'GB', 'GB'],
    ['+990123400', 'GB', undefined],
  ])('the country of %s, with %s chosen: %s', (text, chosen, country) => {
    const read = readNumber(text, chosen);
    expect('country' in read ? read.country : undefined).toBe(country);
  });
});

const mobileNumber = fc.constantFrom(...getCountries()).map((country) => {
  const example = getExampleNumber(country, examples);
  if (!example) throw new Error(`there is no example of ${country}`);
  return example;
});
const chosen = fc.constantFrom(...getCountries());
const noise = fc.constantFrom('', '', '', ' ', '-', '.', '\u00a0', '\u200e', '\u200b', '\u2011');
const withNoise = (text: string, marks: string[]) =>
  Array.from(text)
    .map(
      (each, at) =>
        (/\d/.test(text[at - 1] ?? '') && /\d/.test(each) ? (marks[at % marks.length] ?? '') : '') + each,
    )
    .join('');
const dialling = fc.string({ unit: fc.constantFrom(...Array.from('00112345667899+ -()/.')), maxLength: 18 });

describe('what the page reads', () => {
  test('is the mobile number of any country, however it is written', () => {
    fc.assert(
      fc.property(mobileNumber, fc.array(noise, { minLength: 5, maxLength: 9 }), (example, marks) => {
        const { number, country = 'GB' } = example;
        const forms = [number, example.formatInternational(), example.getURI(), number.replace('+', '00')];
        for (const form of [...forms, example.formatNational()])
          expect([form, readNumber(withNoise(form, marks), country)]).toMatchObject([form, { number }]);
      }),
      FIXED,
    );
  });

  test('is accepted by the server', () => {
    fc.assert(
      fc.property(dialling, chosen, (text, country) => {
        const read = readNumber(text, country);
        if ('problem' in read) return;
        expect([text, country, parsePhoneNumber(read.number)]).toEqual([text, country, read.number]);
        const meant = read.hint?.number ?? read.number;
        expect([text, country, parsePhoneNumber(meant)]).toEqual([text, country, meant]);
      }),
      { ...FIXED, numRuns: 2000 },
    );
  });

  test('is of the country that the server finds', () => {
    for (const country of getCountries()) {
      const number = getExampleNumber(country, examples)?.number ?? '';
      const read = readNumber(number, 'GB');
      expect([number, 'country' in read && read.country]).toEqual([
        number,
        // Guernsey, for one, shares its calling code with the chosen country.
        numberingOf(number as PhoneNumber).country,
      ]);
    }
  });
});

describe('the number field formats', () => {
  test.each<[text: string, country: CountryCode, shown: string, found: CountryCode]>([
    ['077', 'GB', '077', 'GB'],
    ['07700900000', 'GB', '07700 900000', 'GB'],
    ['+44770090', 'US', '+44 7700 90', 'GB'],
    ['+1415', 'GB', '+1 415', 'US'],
    ['+1415', 'CA', '+1 415', 'CA'],
    ['4155552671', 'US', '(415) 555-2671', 'US'],
    ['٠٥٠١٢٣٤٥٦٧', 'SA', '050 123 4567', 'SA'],
    ['Mobile: 07700900000', 'GB', '07700 900000', 'GB'],
    ['tel:+447700900000', 'US', '+44 7700 900000', 'GB'],
    // Nothing that was typed is lost.
    ['+44 (0)7700 900000', 'GB', '+44 (0)7700 900000', 'GB'],
    ['my number', 'GB', 'my number', 'GB'],
    ['1-800-FLOWERS', 'US', '1-800-FLOWERS', 'US'],
    ['07700 900000, 07700 900001', 'GB', '07700 900000, 07700 900001', 'GB'],
    ['', 'GB', '', 'GB'],
  ])('%j in %s as %j', (text, country, shown, found) =>
    expect(formatAsTyped(text, country)).toEqual({ text: shown, country: found }),
  );

  test('without a change of what is read, key by key', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          dialling,
          mobileNumber.map(({ number }) => number),
        ),
        chosen,
        (text, country) => {
          let shown = '';
          for (const key of text) {
            const typed = shown + key;
            shown = formatAsTyped(typed, country).text;
            expect(readNumber(shown, country)).toEqual(readNumber(typed, country));
          }
          // `1)` is the label of the first of several numbers.
          if (!text.includes(')')) expect(shown.replace(/\D/g, '')).toBe(text.replace(/\D/g, ''));
        },
      ),
      FIXED,
    );
  });

  test.each<[text: string, country: CountryCode, shown: string]>([
    ['+49 151 12345678', 'AT', '+43 1 5112345678'],
    ['+447700900000', 'GB', '+44 7700 900000'],
    ['07700 900000', 'GB', '07700 900000'],
    ['+', 'GB', '+'],
    ['', 'FR', ''],
    ['my number', 'FR', 'my number'],
  ])('%j after the choice of %s', (text, country, shown) => expect(withCountry(text, country)).toBe(shown));
});

describe('the countries', () => {
  test.each(['en', 'de', 'es', 'fr', 'pt', 'ar'])('have names in %s, in alphabetical order', (locale) => {
    const all = countries(locale);
    expect(all.map(({ code }) => code).sort()).toEqual(getCountries().sort());
    expect(all.filter(({ code, name }) => name === code)).toEqual([]);
    const names = all.map(({ name }) => name);
    expect(names).toEqual([...names].sort(new Intl.Collator(locale).compare));
  });

  test('have calling codes', () =>
    expect(countries('de')).toContainEqual({
      code: 'GB',
      name: 'Vereinigtes Königreich',
      callingCode: '44',
    }));

  test.each<[languages: string[], country: string]>([
    [['en-GB', 'en-US'], 'GB'],
    [['de'], 'DE'],
    [['en', 'en-GB', 'de-DE'], 'GB'],
    [['de', 'en-US', 'en'], 'DE'],
    [['fr-CH', 'de'], 'CH'],
    [['zh-Hant'], 'TW'],
    [['es-419', 'es'], 'MX'],
    [['ar-001'], 'EG'],
    [['eo', 'pt-BR'], 'BR'],
    [['C', 'en_US', 'it'], 'IT'],
    [['C'], 'US'],
    [[], 'US'],
  ])('of a user with the languages %j is %s', (languages, country) =>
    expect(guessCountry(languages, getCountries())).toBe(country),
  );
});
