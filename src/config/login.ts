import type { Reader } from './reader.js';

/** The ways to be silent, as `SILENT_AUTH` names them. */
const ENGINE_NAMES = ['network-enablement', 'oidc', 'verify', 'off'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

const OTP_CHANNELS = ['sms', 'voice'] as const;

export interface WebhookSettings {
  apiKey: string;
  signatureSecret: string;
}

/** The ways there are to log in. */
export interface WaySettings {
  silentAuth: EngineName;
  /** The channels of codes to type, in the order they are offered; none is a choice too. */
  fallbackChannels: readonly (typeof OTP_CHANNELS)[number][];
  verify: {
    brand: string;
    templateId: string | undefined;
    coverageCheck: boolean;
  };
  /** Absent: webhooks cannot be checked, and none is accepted. */
  webhooks: WebhookSettings | undefined;
}

export function readWays(reader: Reader): WaySettings {
  const { get, fail, oneOf } = reader;
  const silentAuth = oneOf('SILENT_AUTH', ENGINE_NAMES, 'network-enablement');
  const coverageCheck = oneOf('COVERAGE_CHECK', ['true', 'false'], 'true') === 'true';
  const fallbackChannels = readFallbacks(get('FALLBACK_CHANNELS') ?? 'sms,voice', fail);
  const hasCodes = fallbackChannels.length > 0;
  if (silentAuth === 'off' && !hasCodes)
    fail('SILENT_AUTH=off leaves no way to log in when FALLBACK_CHANNELS=none: name sms, voice or both.');
  const brand = get('BRAND') ?? '';
  if ((silentAuth === 'verify' || hasCodes) && !isBrand(brand)) {
    fail(
      'BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
    );
  }
  const webhooks = readWebhooks(reader);
  if (silentAuth === 'verify' && webhooks === undefined && (!coverageCheck || hasCodes)) {
    fail(
      'SILENT_AUTH=verify needs webhooks, which tell when Vonage went on: set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET.',
    );
  }
  const verify = { brand, templateId: get('TEMPLATE_ID'), coverageCheck };
  return { silentAuth, fallbackChannels, verify, webhooks };
}

/** Verify v2 reference, `brand`. */
const isBrand = (text: string): boolean => /^[^/{}:$]{1,18}$/.test(text);

/** `none` is how a list that has a default is emptied. */
function readFallbacks(text: string, fail: Reader['fail']): WaySettings['fallbackChannels'] {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const channels = OTP_CHANNELS.filter((channel) => names.includes(channel));
  if (channels.join() !== names.join()) fail('FALLBACK_CHANNELS must be none, sms, voice or sms,voice.');
  return channels;
}

function readWebhooks({ get, fail }: Reader): WebhookSettings | undefined {
  const [apiKey, secret] = [get('VONAGE_API_KEY'), get('VONAGE_SIGNATURE_SECRET')];
  if (apiKey === undefined && secret === undefined) return undefined;
  if (apiKey === undefined)
    fail('VONAGE_API_KEY is missing: webhooks are checked for it (dashboard, API settings).');
  if (secret === undefined)
    fail('VONAGE_SIGNATURE_SECRET is missing: webhooks are signed with it (dashboard, API settings).');
  if (secret !== undefined && Buffer.byteLength(secret) < 32) {
    fail(
      'VONAGE_SIGNATURE_SECRET must have at least 32 bytes: a shorter one can be guessed from one webhook.',
    );
  }
  return { apiKey: apiKey ?? '', signatureSecret: secret ?? '' };
}
