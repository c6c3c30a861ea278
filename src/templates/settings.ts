import { createReader, isUuid, readKey } from '../settings.js';
import type { Env } from '../variables.js';
import { createAppToken } from '../vonage/app-token.js';
import { createTemplates, type Templates } from '../vonage/templates.js';
import { createTransport } from '../vonage/transport.js';
import type { World } from '../world.js';

/** Reads the settings that templates need, and reaches for Vonage with them; or says all that is wrong with them. */
export function reachVonage(
  env: Env,
  world: World,
): { host: string; templates: Templates } | { problems: string[] } {
  const { problems, get, fail, need, upstream } = createReader(env);
  const applicationId = need(
    'VONAGE_APPLICATION_ID',
    'the id (a UUID) of your application in the Vonage dashboard.',
  );
  if (applicationId && !isUuid(applicationId)) fail('VONAGE_APPLICATION_ID must be a UUID.');
  const privateKey = readKey(
    need('VONAGE_PRIVATE_KEY', "the application's private key as PEM, base64 or a file path."),
    fail,
  );
  const name = get('VONAGE_BASE_URL') === undefined ? 'VONAGE_VERIFY_HOST' : 'VONAGE_BASE_URL';
  const host = upstream(name, 'https://api.nexmo.com');
  if (privateKey === undefined || problems.length > 0) return { problems };

  const templates = createTemplates({
    transport: createTransport(),
    appToken: createAppToken(applicationId, privateKey, world),
    verifyHost: host,
    // One for the whole run, so that all its calls are found together in the log of the other side.
    correlator: world.random(16).toString('hex'),
  });
  return { host, templates };
}
