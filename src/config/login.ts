import { readCamara } from './camara.js';
import type { Reader } from './reader.js';

const ENGINE_NAMES = ['network-enablement', 'oidc', 'verify', 'camara', 'off'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** The channels that send a code for the user to type. Each message costs money. */
export const CODE_CHANNELS = ['sms', 'rcs', 'whatsapp', 'voice'] as const;

export type CodeChannel = (typeof CODE_CHANNELS)[number];

/** The most steps that a verification has (Verify v2 reference, `workflow`). */
export const MAX_CHAIN_STEPS = 3;

export type VerifySettings = ReturnType<typeof readLoginSettings>['verify'];

export function readLoginSettings(reader: Reader) {
  const { get, fail, oneOf, production } = reader;
  const silentAuth = oneOf('SILENT_AUTH', ENGINE_NAMES, 'network-enablement');
  if (production && get('SILENT_AUTH') === undefined)
    fail(
      'SILENT_AUTH is missing: in production it has to be chosen. "verify" is the API that Vonage develops; "network-enablement", the default elsewhere, ends in Number Verification, whose retirement Vonage has announced; see README.',
    );
  const fallbackChannels = readFallbacks(reader);
  const hasCodes = fallbackChannels.length > 0;
  if (silentAuth === 'off' && !hasCodes)
    fail('SILENT_AUTH=off leaves no way to log in when FALLBACK_CHANNELS=none: name a channel, such as sms.');
  const brand = get('BRAND') ?? '';
  if ((silentAuth === 'verify' || hasCodes) && !isBrand(brand))
    fail(
      'BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
    );
  const verify = readVerifySettings(reader, fallbackChannels);
  const webhooks = readWebhooks(reader);
  const waitsForWebhook = !verify.coverageCheck || (verify.maxSteps > 1 && hasCodes);
  if (silentAuth === 'verify' && webhooks === undefined && waitsForWebhook)
    fail(
      'SILENT_AUTH=verify with VERIFY_CHAIN=true or COVERAGE_CHECK=false needs webhooks, which report the link and each step: set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET.',
    );
  return {
    silentAuth,
    /** With `SILENT_AUTH=camara`. */
    camara: silentAuth === 'camara' ? readCamara(reader) : undefined,
    /** The channels for typed codes, in the order in which they are offered. It may be empty. */
    fallbackChannels,
    verify: { ...verify, brand },
    /** Absent: webhooks cannot be checked, and are refused. */
    webhooks,
  };
}

/** Verify v2 reference, `brand`. */
const isBrand = (text: string): boolean => /^[^/{}:$]{1,18}$/.test(text);

function readFallbacks({ get, fail }: Reader): readonly CodeChannel[] {
  const text = get('FALLBACK_CHANNELS') ?? 'sms,voice';
  // An empty variable counts as absent, so an empty list needs a name.
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const channels = names.filter((name): name is CodeChannel => CODE_CHANNELS.some((each) => each === name));
  if (names.includes('email'))
    fail('FALLBACK_CHANNELS: email proves neither the SIM nor the number, so it is no channel of a login.');
  else if (channels.length < names.length || new Set(names).size < names.length)
    fail(`FALLBACK_CHANNELS must be none, or some of ${CODE_CHANNELS.join(', ')}, each once.`);
  return channels;
}

/** Settings of Verify v2, named as in its reference. */
function readVerifySettings(reader: Reader, channels: readonly CodeChannel[]) {
  const { get, fail, flag, whole } = reader;
  return {
    templateId: get('TEMPLATE_ID'),
    coverageCheck: flag('COVERAGE_CHECK', 'true'),
    /** How many channels one verification goes through. */
    maxSteps: flag('VERIFY_CHAIN', 'false') ? MAX_CHAIN_STEPS : 1,
    /** Absent: the account decides. */
    fraudCheck: get('FRAUD_CHECK') === undefined ? undefined : flag('FRAUD_CHECK', 'true'),
    /** Six digits hold the 20 bits of OWASP ASVS 6.5.4; Vonage's default of four does not. */
    codeLength: whole('CODE_LENGTH', { fallback: 6, least: 6, most: 10 }),
    /** Seconds that a code is valid. */
    channelTimeout: whole('CHANNEL_TIMEOUT', { fallback: 300, least: 60, most: 900 }),
    /** The language of messages if a request names none. Absent: Vonage chooses. */
    locale: readLocale(reader),
    senders: readSenders({ get, fail }, channels),
  };
}

/** RFC 5646 section 2.1: words of letters and digits. Phones add extensions (`-u-…`). */
const LANGUAGE_TAG = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i;
const MAX_TAG_LENGTH = 100;

export const isLanguageTag = (text: string): boolean =>
  text.length <= MAX_TAG_LENGTH && LANGUAGE_TAG.test(text);

/**
 * The canonical form of a language tag without its extensions, such as `de-AT` for
 * `DE-at-u-nu-latn`, or `yue-HK` for `zh-yue-HK`.
 * @returns undefined for a tag that names no language, such as `x-foo`
 */
export function parseLocale(tag: string): string | undefined {
  if (!isLanguageTag(tag)) return undefined;
  // An extended language is a language of its own (RFC 5646 section 4.5).
  const [, extended = tag] = /^[a-z]{2,3}-([a-z]{3}(?:-.*)?)$/i.exec(tag) ?? [];
  try {
    return new Intl.Locale(extended).baseName;
  } catch {
    return undefined;
  }
}

function readLocale({ get, fail }: Reader): string | undefined {
  const text = get('LOCALE');
  const locale = text === undefined ? undefined : parseLocale(text);
  if (text !== undefined && locale === undefined) fail('LOCALE must be a BCP 47 language tag, like de-AT.');
  return locale;
}

/**
 * Senders of messages, and the ids that Indian operators ask for (Verify v2 reference). Vonage's
 * guide makes the sender of RCS optional, and the type of its SDK requires it: both are accepted.
 */
function readSenders({ get, fail }: Pick<Reader, 'get' | 'fail'>, channels: readonly CodeChannel[]) {
  const senders = {
    sms: get('SMS_FROM')?.replace(/^\+/, ''),
    rcs: get('RCS_FROM'),
    whatsapp: get('WHATSAPP_FROM')?.replace(/^\+/, ''),
    entityId: get('SMS_ENTITY_ID'),
    contentId: get('SMS_CONTENT_ID'),
  };
  const { sms, rcs, whatsapp, entityId, contentId } = senders;
  if (channels.includes('whatsapp') && whatsapp === undefined)
    fail(
      'WHATSAPP_FROM is missing: FALLBACK_CHANNELS names whatsapp, which needs the WhatsApp Business number of your account.',
    );
  if (whatsapp !== undefined && !/^[1-9][0-9]{6,14}$/.test(whatsapp))
    fail('WHATSAPP_FROM must be a phone number in E.164.');
  if (sms !== undefined && !/^(?:[A-Za-z0-9]{3,11}|[1-9][0-9]{6,14})$/.test(sms))
    fail('SMS_FROM must be a sender id of 3 to 11 letters and digits, or a number in E.164.');
  if (rcs !== undefined && rcs.length > 50)
    fail('RCS_FROM must be the id of an RCS agent, at most 50 characters.');
  for (const [name, id] of [
    ['SMS_ENTITY_ID', entityId],
    ['SMS_CONTENT_ID', contentId],
  ] as const)
    if (id !== undefined && !/^[0-9]{1,20}$/.test(id)) fail(`${name} must be 1 to 20 digits.`);
  if ((entityId === undefined) !== (contentId === undefined))
    fail('SMS_ENTITY_ID and SMS_CONTENT_ID belong together: set both or none.');
  return senders;
}

/** The least length of a key for HS256 (RFC 7518 section 3.2). */
const MIN_SIGNATURE_SECRET_BYTES = 32;

function readWebhooks({ get, list, fail }: Reader) {
  const [apiKey, signatureSecrets] = [get('VONAGE_API_KEY'), list('VONAGE_SIGNATURE_SECRET')];
  if (apiKey === undefined && signatureSecrets.length === 0) return undefined;
  if (apiKey === undefined)
    fail('VONAGE_API_KEY is missing: webhooks have to contain it (dashboard, API settings).');
  if (signatureSecrets.length === 0)
    fail('VONAGE_SIGNATURE_SECRET is missing: it signs webhooks (dashboard, API settings).');
  else if (signatureSecrets.some((secret) => Buffer.byteLength(secret) < MIN_SIGNATURE_SECRET_BYTES))
    fail(
      'VONAGE_SIGNATURE_SECRET: each secret must have at least 32 bytes: a shorter one can be guessed from one webhook.',
    );
  return { apiKey: apiKey ?? '', signatureSecrets };
}
