import type { World } from '../../core/world.js';
import type { MessageChannel } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber } from '../state/subscribers.js';
import type { ActiveStep, Step, Verification } from '../state/verifications.js';

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
const FALLBACK_LOCALE = 'en-us';

const languageOf = (locale: string): string => locale.replace(/-.*/, '');

const textFor = (texts: Texts, channel: MessageChannel): string => texts[channel === 'rcs' ? 'sms' : channel];

/** The duration for `${time-limit}` and `${time-limit-unit}`: whole minutes, else seconds. */
const durationIn = (locale: string, seconds: number): { count: number; unit: string } => {
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
const localeOfNumber = (number: string): string =>
  Object.entries(LOCALE_BY_PREFIX).find(([prefix]) => number.startsWith(prefix))?.[1] ?? 'en-gb';

type MessageStep = Step & { channel: MessageChannel };

const isMessage = (step: Step): step is MessageStep => step.channel !== 'silent_auth';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const randomString = ({ random }: Pick<World, 'random'>, alphabet: string, length: number): string =>
  [...random(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');

/** 8 characters, because `POST /v2/verify/:id` accepts at most 10. */
export const createSilentCode = (world: Pick<World, 'random'>): string =>
  randomString(world, DIGITS + LETTERS, 8);

/** `template_id` applies to SMS and RCS only (Verify v2 reference): calls get Vonage's text. */
const templateIdFor = ({ templates }: SandboxState, { asked }: Verification, channel: MessageChannel) => {
  if (asked.template_id === undefined) return templates.defaultId;
  return channel === 'sms' || channel === 'rcs' ? asked.template_id : undefined;
};

/**
 * The template's text in the wanted locale, else Vonage's own in that language. English and the
 * languages without own texts get the template's text in `en-us` before Vonage's own in English.
 */
const templateTextFor = (state: SandboxState, verification: Verification, step: MessageStep) => {
  const { channel, to } = step;
  const id = templateIdFor(state, verification, channel);
  const wanted = verification.asked.locale ?? localeOfNumber(to);
  const translated = TRANSLATIONS[languageOf(wanted)];
  const text = state.templates.text(id, channel, wanted) ?? (translated && textFor(translated, channel));
  if (text !== undefined) return { locale: wanted, text };
  const american = state.templates.text(id, channel, FALLBACK_LOCALE);
  if (american !== undefined) return { locale: FALLBACK_LOCALE, text: american };
  const locale = languageOf(wanted) === 'en' ? wanted : FALLBACK_LOCALE;
  return { locale, text: textFor(ENGLISH, channel) };
};

const templateVariables = ({ asked }: Verification, locale: string, code: string) => {
  const { count, unit } = durationIn(locale, asked.channel_timeout);
  return new Map([
    ['code', code],
    ['brand', asked.brand],
    ['time-limit', String(count)],
    ['time-limit-unit', unit],
  ]);
};

/** Without `from`, messages name the brand. Vonage makes calls from a number of its own. */
const senderOf = ({ asked }: Verification, { channel, from = asked.brand }: Step): string | null => {
  if (channel === 'voice') return null;
  return isPhoneNumber(`+${from}`) ? `+${from}` : from;
};

/** Sends the message of a step, or makes its call. @param at milliseconds since the epoch */
export const sendMessage = (state: SandboxState, { verification, step }: ActiveStep, at: number): void => {
  if (!isMessage(step)) return;
  const { channel, to, appHash } = step;
  const { asked } = verification;
  const code = asked.code ?? randomString(state.world, DIGITS, asked.code_length);
  step.code = code;
  const spokenCode = code.replace(/.(?=.)/g, '$&, ');
  const { locale, text: template } = templateTextFor(state, verification, step);
  const values = templateVariables(verification, locale, channel === 'voice' ? spokenCode : code);
  const words = template.replaceAll(/\$\{([a-z-]+)\}/g, (whole, name: string) => values.get(name) ?? whole);
  // Android's SMS Retriever gives the message to the app whose hash it ends with.
  const text = appHash === undefined ? words : `${words}\n${appHash}`;
  const from = senderOf(verification, step);
  state.messages.add({ to, channel, from, text, code, at: new Date(at).toISOString(), locale });
  const method = channel === 'voice' ? 'CALL' : channel.toUpperCase();
  state.conversation.record({ method, url: `tel:${to}`, headers: [], body: text }, verification.id);
  state.changes.emit('messages');
};
