import {
  AsYouType as Typing,
  getCountries as countriesOf,
  getCountryCallingCode as callingCodeOf,
  parsePhoneNumberFromString as parse,
  validatePhoneNumberLength as lengthProblem,
  type CountryCode,
  type PhoneNumber,
  type ValidatePhoneNumberLengthResult,
} from 'libphonenumber-js/core';
import metadata from 'libphonenumber-js/mobile/metadata';

/**
 * `libphonenumber-js/mobile` over the core of the package, whose ES2015 build `bundle.ts` takes: it
 * saves 3 kB of 50. That module extends the classes of the ES5 build only.
 */

export { metadata, type CountryCode, type PhoneNumber };

export class AsYouType extends Typing {
  constructor(country: CountryCode) {
    super(country, metadata);
  }
}

export const getCountries = (): CountryCode[] => countriesOf(metadata);

export const getCountryCallingCode = (country: CountryCode): string => callingCodeOf(country, metadata);

export const parsePhoneNumberFromString = (
  text: string,
  options: { defaultCountry?: CountryCode; extract: false },
): PhoneNumber | undefined => parse(text, options, metadata);

export const validatePhoneNumberLength = (
  text: string,
  country: CountryCode,
): ValidatePhoneNumberLengthResult | undefined => lengthProblem(text, country, metadata);
