import type { World } from '../../core/world.js';
import type { MessageChannel } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber } from '../state/subscribers.js';
import type { ActiveStep, Step, Verification } from '../state/verifications.js';
import {
  durationIn,
  englishText,
  FALLBACK_LOCALE,
  isEnglish,
  localeOfNumber,
  translatedText,
} from './texts.js';

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
  const text = state.templates.text(id, channel, wanted) ?? translatedText(wanted, channel);
  if (text !== undefined) return { locale: wanted, text };
  const american = state.templates.text(id, channel, FALLBACK_LOCALE);
  if (american !== undefined) return { locale: FALLBACK_LOCALE, text: american };
  return { locale: isEnglish(wanted) ? wanted : FALLBACK_LOCALE, text: englishText(channel) };
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
