import type { World } from '../../core/world.js';
import type { SandboxState } from '../state/state.js';
import type { ActiveStep, Verification } from '../state/verifications.js';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const randomString = ({ random }: Pick<World, 'random'>, alphabet: string, length: number): string =>
  [...random(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');

/** 8 characters, because `POST /v2/verify/:id` accepts at most 10. */
export const createSilentCode = (world: Pick<World, 'random'>): string =>
  randomString(world, DIGITS + LETTERS, 8);

const DEFAULT_TEXTS = {
  sms: '${brand} code: ${code}. Valid for ${time-limit} ${time-limit-unit}.',
  voice: 'Your ${brand} code is: ${code}. Again, your code is: ${code}.',
};

type MessageChannel = keyof typeof DEFAULT_TEXTS;

/** `template_id` applies to SMS and RCS only (Verify v2 reference): calls get Vonage's text. */
const templateText = (
  { templates }: SandboxState,
  { templateId, locale }: Verification,
  channel: MessageChannel,
) => {
  if (templateId !== undefined && channel === 'voice') return undefined;
  const id = templateId ?? templates.defaultId;
  return id === undefined ? undefined : templates.text(id, channel, locale);
};

const templateVariables = ({ brand, channelTimeoutSeconds: seconds }: Verification, code: string) => {
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

/** Sends the SMS or makes the call of a step. @param at milliseconds since the epoch */
export const sendMessage = (state: SandboxState, { verification, step }: ActiveStep, at: number): void => {
  const { channel, to } = step;
  if (channel === 'silent_auth') return;
  const code = verification.customCode ?? randomString(state.world, DIGITS, verification.codeLength);
  step.code = code;
  const spokenCode = code.replace(/.(?=.)/g, '$&, ');
  const values = templateVariables(verification, channel === 'voice' ? spokenCode : code);
  const template = templateText(state, verification, channel) ?? DEFAULT_TEXTS[channel];
  const text = template.replaceAll(/\$\{([a-z-]+)\}/g, (whole, name: string) => values.get(name) ?? whole);
  state.messages.add({ to, channel, text, code, at: new Date(at).toISOString() });
  const method = channel === 'sms' ? 'SMS' : 'CALL';
  state.conversation.record({ method, url: `tel:${to}`, headers: [], body: text }, verification.id);
  state.changes.emit('messages');
};
