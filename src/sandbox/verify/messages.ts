import type { World } from '../../core/world.js';
import type { SandboxState } from '../state/state.js';
import type { ActiveStep, Verification } from '../state/verifications.js';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const draw = ({ random }: Pick<World, 'random'>, alphabet: string, length: number): string =>
  [...random(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');

/** A code for a device: short enough for `POST /v2/verify/:id`. */
export const drawSilentCode = (world: Pick<World, 'random'>): string => draw(world, DIGITS + LETTERS, 8);

/** Vonage's texts for verifications without a template. */
const DEFAULT_TEXTS = {
  sms: '${brand} code: ${code}. Valid for ${time-limit} ${time-limit-unit}.',
  voice: 'Your ${brand} code is: ${code}. Again, your code is: ${code}.',
};

type MessageChannel = keyof typeof DEFAULT_TEXTS;

/**
 * The template of a message, if there is one. `template_id` applies to SMS and RCS alone (Verify v2
 * reference): a call that belongs to it has Vonage's text.
 */
const templateOf = ({ templates }: SandboxState, verification: Verification, channel: MessageChannel) => {
  const { templateId, locale } = verification;
  if (templateId !== undefined && channel === 'voice') return undefined;
  const id = templateId ?? templates.defaultId;
  return id === undefined ? undefined : templates.text(id, channel, locale);
};

/** The values of the four variables of a template. */
const valuesOf = ({ brand, channelTimeoutSeconds: seconds }: Verification, code: string) => {
  const isMinutes = seconds % 60 === 0;
  const count = isMinutes ? seconds / 60 : seconds;
  const unit = isMinutes ? 'minute' : 'second';
  return new Map([
    ['code', code],
    ['brand', brand],
    ['time-limit', String(count)],
    ['time-limit-unit', count === 1 ? unit : `${unit}s`],
  ]);
};

/** Sends a text or makes a call. Its code is that of the step, unless the customer chose one. */
export const deliver = (state: SandboxState, { verification, step }: ActiveStep, at: number): void => {
  const { channel, to } = step;
  if (channel === 'silent_auth') return;
  const code = verification.customCode ?? draw(state.world, DIGITS, verification.codeLength);
  step.code = code;
  // In a call the digits are read one by one.
  const values = valuesOf(verification, channel === 'voice' ? code.replace(/.(?=.)/g, '$&, ') : code);
  const template = templateOf(state, verification, channel) ?? DEFAULT_TEXTS[channel];
  const text = template.replaceAll(/\$\{([a-z-]+)\}/g, (whole, name: string) => values.get(name) ?? whole);
  state.messages.add({ to, channel, text, code, at: new Date(at).toISOString() });
  const method = channel === 'sms' ? 'SMS' : 'CALL';
  state.conversation.record({ method, url: `tel:${to}`, headers: [], body: text }, verification.id);
  state.changes.emit('messages');
};
