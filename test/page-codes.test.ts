import fc from 'fast-check';
import { isComplete, readCode } from '../client/page/code.js';

describe('the code field', () => {
  test.each([
    ['', ''],
    ['1', '1'],
    ['12345', '12345'],
    ['123456', '123456'],
    [' 123456\n', '123456'],
    ['123 4', '1234'],
    ['12a', '12'],
    ['12345x', '12345'],
    ['1234567', '1234567'],
    ['١٢٣٤٥٦', '123456'],
    ['۱۲۳۴۵۶', '123456'],
    ['１２３４５６', '123456'],
    ['१२३४५६', '123456'],
    ['\u200e123456\u200f', '123456'],
    ['12\u00ad34\ufeff56', '123456'],
    ['1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣', '123456'],
  ])('holds the digits of what is typed: %j', (text, code) => expect(readCode(text, 6)).toBe(code));

  test.each([
    ['Your O2 code is 123456. Valid for 5 minutes.', '123456'],
    ['123456 is your code. It expires in 10 minutes.', '123456'],
    ['G-123456 is your Google verification code.', '123456'],
    ['<#> Your code: 123456\nFA+9qCX9VSu', '123456'],
    ['Your code is 123456.\n\n@example.com #123456', '123456'],
    ['Ihr Code lautet 123456, gültig bis 28.11.2026 10:15 Uhr.', '123456'],
    ['Votre code\u00a0: 123456.Ne le partagez pas.', '123456'],
    ['رمزك هو ١٢٣٤٥٦ وهو صالح لمدة ٥ دقائق', '123456'],
    ['کد شما: ۱۲۳۴۵۶', '123456'],
    ['验证码123456，5分钟内有效。', '123456'],
    ['認証コード：１２３４５６', '123456'],
    ['Pay £1,250.00 with the code 123456', '123456'],
    ['Confirm 123456.78 EUR with 654321', '654321'],
    ['From +44 7700 900000\n123456 is your code', '123456'],
    ['Ihr Code: 123 456. Rückfragen unter 030 654321.', '123456'],
    ['Votre code est 123456 (aide\u00a0: 0800 654321).', '123456'],
    ['Your code is 012 345. Call (020) 654321.', '012345'],
    ['Valid until 10:05 123456', '123456'],
    ['Your code is 123 456', '123456'],
    ['123 456', '123456'],
    ['123-456', '123456'],
    ['123\u2013456', '123456'],
    ['123\u202f456', '123456'],
    ['12 34 56', '123456'],
    ['1 2 3 4 5 6', '123456'],
  ])('holds the one code of a pasted message: %j', (text, code) => expect(readCode(text, 6)).toBe(code));

  test.each([
    ['Your code has expired. Request another one after 5 minutes.'],
    ['Your code is 1234567.'],
    ['Your code is 12345.'],
    ['Your codes are 123456 and 654321.'],
    ['123456 654321'],
    ['Your order A123456 has shipped.'],
    ['Order 123456B has shipped.'],
    ['You paid 123456.78 EUR.'],
    ['Call us: +44 7700 123456'],
    ['Call us: 020 7946 0958'],
    ['Rufen Sie uns an: 030 123456'],
    ['Rufen Sie uns an: 0800/123456'],
    ['Rufen Sie uns an: (040) 123456-78'],
    ['Llámenos: 091-123456'],
    ['Valid until 2026-11-28.'],
    ['Valid until 2026-11'],
    ['2026-11'],
  ])('stays empty if a pasted message has no code, or several: %j', (text) =>
    expect(readCode(text, 6)).toBe(''),
  );

  test.each([
    ['Your code is 12345678.', 8, '12345678'],
    ['Your code is 1234 5678.', 8, '12345678'],
    ['Your code is 123 4567.', 7, '1234567'],
    ['Your code is 12345 67890.', 10, '1234567890'],
    ['Your code is 01234 56789.', 10, '0123456789'],
    ['Your code is 123456.', 8, ''],
  ])('knows the length of the code: %j, %d', (text, length, code) =>
    expect(readCode(text, length)).toBe(code),
  );

  test.each([
    ['123456', true],
    ['12345', false],
    ['1234567', false],
    ['', false],
  ])('is complete with exactly its digits: %j', (code, complete) =>
    expect(isComplete(code, 6)).toBe(complete),
  );

  test('has nothing but digits, which are read as themselves', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.integer({ min: 6, max: 10 }),
        (text, length) => {
          const code = readCode(text, length);
          expect(code).toMatch(/^[0-9]*$/);
          expect(readCode(code, length)).toBe(code);
        },
      ),
      { seed: 17, numRuns: 500 },
    );
  });

  test('reads a code in any text without other digits', () => {
    const words = fc.string({
      unit: fc.constantFrom(...Array.from('abc xyzß,.:;!? \n\u200e\u00a0عمر的')),
      maxLength: 30,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 999_999 }), words, (before, value, after) => {
        const code = String(value).padStart(6, '0');
        expect(readCode(`${before} ${code} ${after}`, 6)).toBe(code);
      }),
      { seed: 17, numRuns: 500 },
    );
  });
});
