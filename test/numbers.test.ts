import { ALICE, withHouse, type House } from './support/house.js';

const login = (house: House, phoneNumber: string) =>
  house.app().post('/login').send({ phone_number: phoneNumber });

/** Refused before anything is counted, kept or asked. */
const nothingHappened = async (house: House) => {
  expect(await house.upstream()).toEqual([]);
  expect(await house.redis.dbsize()).toBe(0);
};

describe('numbers of ranges nobody carries', () => {
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
  ])('(%s) are refused: %s', (_kind, number) =>
    withHouse({}, async (house) => {
      const refused = await login(house, number).expect(403);
      expect(refused.body.error).toBe('number_not_allowed');
      await nothingHappened(house);
    }),
  );

  test.each([
    ['mobile', '+4915112345678'],
    ['either mobile or not', '+12025550123'],
    ['fixed', '+442079460000'],
    ['of a range the plans do not know', ALICE],
    ['of the virtual operator', '+99012345678'],
  ])('are not those that are %s: %s', (_kind, number) =>
    withHouse({}, async (house) => {
      await login(house, number).expect(201);
    }),
  );
});

describe('ALLOWED_COUNTRIES', () => {
  test.each([
    ['GB', '+442079460000'],
    ['GB', ALICE],
    ['DE,GB', '+4915112345678'],
    ['CA', '+14165550123'],
    ['US', '+12025550123'],
    ['XV', '+99012345678'],
  ])('%s lets in %s', (countries, number) =>
    withHouse({ env: { ALLOWED_COUNTRIES: countries } }, async (house) => {
      await login(house, number).expect(201);
    }),
  );

  test.each([
    ['GB', '+4915112345678'],
    ['US', '+14165550123'],
    ['US', '+12423570000'],
    ['DE', ALICE],
    ['GB', '+99012345678'],
  ])('%s keeps out %s', (countries, number) =>
    withHouse({ env: { ALLOWED_COUNTRIES: countries } }, async (house) => {
      const refused = await login(house, number).expect(403);
      expect(refused.body.error).toBe('country_not_allowed');
      await nothingHappened(house);
    }),
  );
});
