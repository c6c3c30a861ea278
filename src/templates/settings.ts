import { parsePrivateKey } from '../private-key.js';
import { createAppToken } from '../vonage/app-token.js';
import { createTemplates, type Templates } from '../vonage/templates.js';
import { createTransport } from '../vonage/transport.js';
import type { World } from '../world.js';

export type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_HOST = 'https://api.nexmo.com';

/** The base URL of Verify, or undefined where the setting is none. A bare host name is reached over https. */
function readHost(value: string): string | undefined {
  const text = value.includes('://') ? value : `https://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url.href.replace(/\/$/, '') : undefined;
}

/** Reads the four settings that templates need, and reaches for Vonage with them; or says all that is wrong with them. */
export function reachVonage(
  env: Env,
  world: World,
): { host: string; templates: Templates } | { problems: string[] } {
  const problems: string[] = [];
  const get = (name: string): string | undefined => env[name]?.trim() || undefined;
  const need = (name: string, advice: string): string => {
    const value = get(name);
    if (value === undefined) problems.push(`${name} is missing: ${advice}`);
    return value ?? '';
  };
  const applicationId = need('VONAGE_APPLICATION_ID', 'the id of your application in the Vonage dashboard.');
  const keyText = need('VONAGE_PRIVATE_KEY', "the application's private key as PEM, base64 or a file path.");
  const privateKey = keyText === '' ? '' : parsePrivateKey(keyText);
  if (typeof privateKey === 'string' && keyText !== '') problems.push(`VONAGE_PRIVATE_KEY ${privateKey}`);
  const name = get('VONAGE_BASE_URL') === undefined ? 'VONAGE_VERIFY_HOST' : 'VONAGE_BASE_URL';
  const host = readHost(get(name) ?? DEFAULT_HOST);
  if (host === undefined) problems.push(`${name} must be a URL like ${DEFAULT_HOST}.`);
  if (typeof privateKey === 'string' || host === undefined || problems.length > 0) return { problems };

  const templates = createTemplates({
    transport: createTransport(),
    appToken: createAppToken(applicationId, privateKey, world),
    verifyHost: host,
    // One for the whole run, so that all its calls are found together in the log of the other side.
    correlator: world.random(16).toString('hex'),
  });
  return { host, templates };
}
