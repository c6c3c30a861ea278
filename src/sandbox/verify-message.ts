import type { World } from '../world.js';
import type { Stage } from './state.js';
import type { Step, VerifyRequest } from './verify-request.js';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const draw = (world: Pick<World, 'random'>, alphabet: string, length: number): string =>
  [...world.random(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');

/** What a device is given at the end of its walk; never as long as to be refused by the check. */
export const drawSilentCode = (world: Pick<World, 'random'>): string => draw(world, DIGITS + LETTERS, 8);

/** How long the code is good, in words. */
const limitOf = (seconds: number): [number: string, unit: string] => {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  return [String(count), count === 1 ? unit : `${unit}s`];
};

/** Vonage's own words, for a request without a template. */
const OWN_WORDS = {
  sms: '${brand} code: ${code}. Valid for ${time-limit} ${time-limit-unit}.',
  voice: 'Your ${brand} code is: ${code}. Again, your code is: ${code}.',
};

/**
 * The template's text for a message, if it has one. `template_id` is for SMS and RCS alone (Verify v2 reference): a call
 * of a request that names one speaks Vonage's own words.
 */
const templateOf = (
  { state: { templates } }: Stage,
  { templateId, locale }: VerifyRequest,
  channel: 'sms' | 'voice',
): string | undefined => {
  if (templateId !== undefined && channel === 'voice') return undefined;
  const id = templateId ?? templates.defaultId;
  return id === undefined ? undefined : templates.text(id, channel, locale);
};

const textOf = (stage: Stage, request: VerifyRequest, channel: 'sms' | 'voice', code: string): string => {
  const template = templateOf(stage, request, channel);
  const [timeLimit, unit] = limitOf(request.channelTimeout);
  const values = new Map([
    // A voice reads a number as one, unless its digits stand apart.
    ['code', channel === 'voice' ? code.replace(/.(?=.)/g, '$&, ') : code],
    ['brand', request.brand],
    ['time-limit', timeLimit],
    ['time-limit-unit', unit],
  ]);
  return (template ?? OWN_WORDS[channel]).replaceAll(
    /\$\{([a-z-]+)\}/g,
    (whole, name: string) => values.get(name) ?? whole,
  );
};

/** Sends a text or makes a call, with a code for this step alone unless the customer chose one. */
export const deliver = (stage: Stage, request: VerifyRequest, step: Step, at: number): void => {
  const { channel, to } = step;
  if (channel === 'silent_auth') return;
  const code = request.ownCode ?? draw(stage.world, DIGITS, request.codeLength);
  step.code = code;
  const text = textOf(stage, request, channel, code);
  const { ledger, conversation, news } = stage.state;
  ledger.messages.add({ to, channel, text, code, at: new Date(at).toISOString() });
  const method = channel === 'sms' ? 'SMS' : 'CALL';
  conversation.open({ method, url: `tel:${to}`, headers: [], body: text }, request.id);
  news.tell({ topic: 'messages' });
};
