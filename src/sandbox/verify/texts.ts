import type { MessageChannel } from '../state/records.js';

/**
 * The texts of messages without a template; those of RCS are like those of SMS. Vonage publishes
 * the English SMS; the other texts are the sandbox's own.
 */
type Texts = Record<'sms' | 'whatsapp' | 'voice', string>;

const ENGLISH: Texts = {
  sms: '${brand} code: ${code}. Valid for ${time-limit} ${time-limit-unit}.',
  whatsapp: '${code} is your verification code. For your security, do not share this code.',
  voice: 'Your ${brand} code is: ${code}. Again, your code is: ${code}.',
};

const TRANSLATIONS: Record<string, Texts> = {
  de: {
    sms: '${brand}-Code: ${code}. Gültig für ${time-limit} ${time-limit-unit}.',
    whatsapp: '${code} ist dein Bestätigungscode. Teile ihn zu deiner Sicherheit mit niemandem.',
    voice: 'Ihr ${brand}-Code lautet: ${code}. Noch einmal, Ihr Code lautet: ${code}.',
  },
  es: {
    sms: 'Código de ${brand}: ${code}. Válido durante ${time-limit} ${time-limit-unit}.',
    whatsapp: '${code} es tu código de verificación. Por tu seguridad, no lo compartas.',
    voice: 'Su código de ${brand} es: ${code}. Repetimos, su código es: ${code}.',
  },
  fr: {
    sms: 'Code ${brand} : ${code}. Valable ${time-limit} ${time-limit-unit}.',
    whatsapp: '${code} est votre code de vérification. Pour votre sécurité, ne le partagez pas.',
    voice: 'Votre code ${brand} est : ${code}. Je répète, votre code est : ${code}.',
  },
};

/** Vonage's default for locales in which it has no texts. */
export const FALLBACK_LOCALE = 'en-us';

const languageOf = (locale: string): string => locale.replace(/-.*/, '');

const textFor = (texts: Texts, channel: MessageChannel): string => texts[channel === 'rcs' ? 'sms' : channel];

export const englishText = (channel: MessageChannel): string => textFor(ENGLISH, channel);

export const isEnglish = (locale: string): boolean => languageOf(locale) === 'en';

/** Undefined for English, and for languages without texts. */
export const translatedText = (locale: string, channel: MessageChannel): string | undefined => {
  const texts = TRANSLATIONS[languageOf(locale)];
  return texts && textFor(texts, channel);
};

/** The duration for `${time-limit}` and `${time-limit-unit}`: whole minutes, else seconds. */
export const durationIn = (locale: string, seconds: number): { count: number; unit: string } => {
  const language = languageOf(locale) in TRANSLATIONS ? languageOf(locale) : 'en';
  const isMinutes = seconds % 60 === 0;
  const count = isMinutes ? seconds / 60 : seconds;
  const unit = isMinutes ? 'minute' : 'second';
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' });
  return { count, unit: format.formatToParts(count).find(({ type }) => type === 'unit')?.value ?? unit };
};

/** By country code. Vonage's guide "Verify Languages" says that the prefix decides, not how. */
const LOCALE_BY_PREFIX: Record<string, string> = {
  '+1': 'en-us',
  '+33': 'fr-fr',
  '+34': 'es-es',
  '+43': 'de-de',
  '+49': 'de-de',
  '+52': 'es-mx',
};

/** The locale of requests without one. `en-gb` is the default of the guide. */
export const localeOfNumber = (number: string): string =>
  Object.entries(LOCALE_BY_PREFIX).find(([prefix]) => number.startsWith(prefix))?.[1] ?? 'en-gb';
