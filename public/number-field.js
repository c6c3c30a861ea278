import { inWords, locale } from './language.js';

const {
  AsYouType,
  getCountries,
  getCountryCallingCode,
  Metadata,
  parsePhoneNumberFromString,
  validatePhoneNumberLength,
} = window.libphonenumber;

const [field, country] = ['phone', 'country'].map((id) => document.getElementById(id));

/** What people write between digits. */
const SEPARATORS = /[\s().\-/\u00a0\u2010-\u2015]/g;
const E164 = /^\+[1-9][0-9]{6,14}$/;
const WRONG = { TOO_SHORT: 'short', TOO_LONG: 'long', INVALID_LENGTH: 'short', NOT_A_NUMBER: 'none' };

/** As it is dialled: without separators, and with `+` for the `00` that stands for it in most countries. */
const dialled = () => field.value.replace(SEPARATORS, '').replace(/^00/, '+');

/**
 * The number in the field, in E.164, or what is wrong with it (a name in `words.number`). Whether a country or a range
 * exists is for the server to say, whose numbering data may be newer.
 */
export function readNumber() {
  const text = dialled();
  const wrong = validatePhoneNumberLength(text, country.value);
  if (wrong !== undefined && !(wrong === 'INVALID_COUNTRY' && E164.test(text)))
    return { wrong: WRONG[wrong] ?? 'none' };
  const parsed = parsePhoneNumberFromString(text, { defaultCountry: country.value, extract: false });
  const number = parsed?.number ?? text;
  return E164.test(number) ? { number } : { wrong: 'none' };
}

/** Writes a number into the field, or empties it. @param number E.164 */
export function writeNumber(number) {
  field.value = number;
  format();
}

export const isNumberEmpty = () => field.value === '';

/** Shows the number as it is written in its country, and the country as it is in the number. */
function format() {
  const text = dialled();
  if (!/^\+?\d*$/.test(text)) return;
  const typing = new AsYouType(country.value);
  field.value = typing.input(text);
  const found = text.startsWith('+') ? countryOf(typing) : undefined;
  if (found) country.value = found;
}

/** Until enough digits are there, several countries may share the code: the first of them has most of the numbers. */
function countryOf(typing) {
  const all = new Metadata().getCountryCodesForCallingCode(typing.getCallingCode()) ?? [];
  return typing.getCountry() ?? (all.includes(country.value) ? country.value : all[0]);
}

function formatAsTyped(event) {
  // Whoever deletes, or writes in the middle, knows where the cursor should be.
  const atEnd = field.selectionEnd === field.value.length;
  if (atEnd && !event.inputType?.startsWith('delete')) format();
}

/** Another country was chosen: a code of the one before gives way to its own. */
function changeCountry() {
  const text = dialled();
  if (text.startsWith('+')) {
    const national = parsePhoneNumberFromString(text)?.nationalNumber ?? '';
    field.value = `+${getCountryCallingCode(country.value)}${national}`;
  }
  format();
}

/** The country of the first language that names one: a guess to begin with. */
function guessCountry() {
  const regions = navigator.languages.map((tag) => new Intl.Locale(tag).maximize().region);
  return regions.find((region) => getCountries().includes(region)) ?? 'US';
}

inWords(() => {
  const chosen = country.value || guessCountry();
  const names = new Intl.DisplayNames([locale()], { type: 'region' });
  const { compare } = new Intl.Collator(locale());
  const options = getCountries()
    .map((code) => ({ code, name: names.of(code) ?? code }))
    .sort((one, other) => compare(one.name, other.name))
    .map(({ code, name }) => new Option(`${name} (+${getCountryCallingCode(code)})`, code));
  country.replaceChildren(...options);
  country.value = chosen;
});

field.addEventListener('input', formatAsTyped);
country.addEventListener('change', changeCountry);
