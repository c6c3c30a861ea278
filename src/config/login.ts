import type { Reader } from './reader.js';

const ENGINE_NAMES = ['network-enablement', 'oidc', 'verify', 'off'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

const FALLBACK_CHANNELS = ['sms', 'voice'] as const;

export function readLoginSettings(reader: Reader) {
  const { get, fail, oneOf, flag } = reader;
  const silentAuth = oneOf('SILENT_AUTH', ENGINE_NAMES, 'network-enablement');
  const coverageCheck = flag('COVERAGE_CHECK', 'true');
  const fallbackChannels = readFallbacks(reader);
  const hasCodes = fallbackChannels.length > 0;
  if (silentAuth === 'off' && !hasCodes)
    fail('SILENT_AUTH=off leaves no way to log in when FALLBACK_CHANNELS=none: name sms, voice or both.');
  const brand = get('BRAND') ?? '';
  if ((silentAuth === 'verify' || hasCodes) && !isBrand(brand))
    fail(
      'BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
    );
  const webhooks = readWebhooks(reader);
  if (silentAuth === 'verify' && webhooks === undefined && (!coverageCheck || hasCodes))
    fail(
      'SILENT_AUTH=verify needs webhooks, which report that Vonage moved to the next channel: set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET.',
    );
  return {
    silentAuth,
    /** The channels for typed codes, in the order in which they are offered. It may be empty. */
    fallbackChannels,
    verify: { brand, templateId: get('TEMPLATE_ID'), coverageCheck },
    /** Absent: webhooks cannot be checked, and are refused. */
    webhooks,
  };
}

/** Verify v2 reference, `brand`. */
const isBrand = (text: string): boolean => /^[^/{}:$]{1,18}$/.test(text);

function readFallbacks({ get, fail }: Reader): readonly (typeof FALLBACK_CHANNELS)[number][] {
  const text = get('FALLBACK_CHANNELS') ?? 'sms,voice';
  // An empty variable counts as absent, so an empty list needs a name.
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const channels = FALLBACK_CHANNELS.filter((channel) => names.includes(channel));
  if (channels.join() !== names.join()) fail('FALLBACK_CHANNELS must be none, sms, voice or sms,voice.');
  return channels;
}

/** The least length of a key for HS256 (RFC 7518 section 3.2). */
const MIN_SIGNATURE_SECRET_BYTES = 32;

function readWebhooks({ get, fail }: Reader) {
  const [apiKey, signatureSecret] = [get('VONAGE_API_KEY'), get('VONAGE_SIGNATURE_SECRET')];
  if (apiKey === undefined && signatureSecret === undefined) return undefined;
  if (apiKey === undefined)
    fail('VONAGE_API_KEY is missing: webhooks have to contain it (dashboard, API settings).');
  if (signatureSecret === undefined)
    fail('VONAGE_SIGNATURE_SECRET is missing: it signs webhooks (dashboard, API settings).');
  else if (Buffer.byteLength(signatureSecret) < MIN_SIGNATURE_SECRET_BYTES)
    fail(
      'VONAGE_SIGNATURE_SECRET must have at least 32 bytes: a shorter one can be guessed from one webhook.',
    );
  return { apiKey: apiKey ?? '', signatureSecret: signatureSecret ?? '' };
}
