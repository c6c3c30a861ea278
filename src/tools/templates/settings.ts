import { createReader, type Env } from '../../config/reader.js';
import { createAppToken } from '../../vonage/tokens.js';
import { readVonage } from '../../config/vonage.js';
import { createTemplates, type Templates } from '../../vonage/templates.js';
import { createTransport } from '../../vonage/transport.js';
import type { World } from '../../core/world.js';

/** Reads the settings that templates need, and reaches for Vonage with them; or says all that is wrong with them. */
export function reachVonage(
  env: Env,
  world: World,
): { host: string; templates: Templates } | { problems: string[] } {
  const reader = createReader(env);
  const { applicationId, privateKey, verifyHost, proxy } = readVonage(reader);
  const { problems } = reader;
  if (privateKey === undefined || problems.length > 0) return { problems };

  const templates = createTemplates({
    transport: createTransport(proxy),
    appToken: createAppToken(applicationId, privateKey, world),
    verifyHost,
    // One for the whole run, so that all its calls are found together in the log of the other side.
    requestId: world.random(16).toString('hex'),
  });
  return { host: verifyHost, templates };
}
