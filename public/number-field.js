import { locale, onLanguage } from './language.js';

const {
  AsYouType,
  getCountries,
  getCountryCallingCode,
  Metadata,
  parsePhoneNumberFromString,
  validatePhoneNumberLength,
} = window.libphonenumber;

const [field, country] = ['phone', 'country'].map((id) => document.getElementById(id));

const SEPARATORS = /[\s().\-/\u00a0\u2010-\u2015]/g;
const E164 = /^\+[1-9][0-9]{6,14}$/;
const PROBLEMS = { TOO_SHORT: 'short', TOO_LONG: 'long', INVALID_LENGTH: 'short', NOT_A_NUMBER: 'none' };

/** The input without separators, and with `+` for `00`, the usual international prefix. */
const dialled = () => field.value.replace(SEPARATORS, '').replace(/^00/, '+');

/**
 * Returns the number in E.164, or `problem`, a key of `texts.number`. The server checks whether the
 * country and the range exist, because its numbering data may be newer.
 */
export function readNumber() {
  const text = dialled();
  const problem = validatePhoneNumberLength(text, country.value);
  if (problem !== undefined && !(problem === 'INVALID_COUNTRY' && E164.test(text)))
    return { problem: PROBLEMS[problem] ?? 'none' };
  const parsed = parsePhoneNumberFromString(text, { defaultCountry: country.value, extract: false });
  const number = parsed?.number ?? text;
  return E164.test(number) ? { number } : { problem: 'none' };
}

/** @param number E.164, or empty */
export function writeNumber(number) {
  field.value = number;
  format();
}

export const isNumberEmpty = () => field.value === '';

/** Formats the number as its country does, and selects that country. */
function format() {
  const text = dialled();
  if (!/^\+?\d*$/.test(text)) return;
  const typing = new AsYouType(country.value);
  field.value = typing.input(text);
  const found = text.startsWith('+') ? countryOf(typing) : undefined;
  if (found) country.value = found;
}

/** Several countries may share a calling code. The first one listed is the main one. */
function countryOf(typing) {
  const all = new Metadata().getCountryCodesForCallingCode(typing.getCallingCode()) ?? [];
  return typing.getCountry() ?? (all.includes(country.value) ? country.value : all[0]);
}

function formatAsTyped(event) {
  // Formatting moves the cursor to the end, which would disturb other edits.
  const atEnd = field.selectionEnd === field.value.length;
  if (atEnd && !event.inputType?.startsWith('delete')) format();
}

function changeCountry() {
  const text = dialled();
  if (text.startsWith('+')) {
    const national = parsePhoneNumberFromString(text)?.nationalNumber ?? '';
    field.value = `+${getCountryCallingCode(country.value)}${national}`;
  }
  format();
}

function guessCountry() {
  const regions = navigator.languages.map((tag) => new Intl.Locale(tag).maximize().region);
  return regions.find((region) => getCountries().includes(region)) ?? 'US';
}

onLanguage(() => {
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
