import { createAssertions } from '../assertion/assertion.js';
import { about } from './finding.js';
import type { Check } from './patient.js';

const PATH = '/.well-known/jwks.json';

/** Other services check assertions by the keys that the server publishes: all that is set has to be there. */
export const checkAssertionKeys: Check = async ({ ask, settings, world }) => {
  const config = settings?.config;
  if (config?.assertions === undefined) return [];
  const { ok, mistake } = about('assertion keys');
  const own = await createAssertions({ ...config.assertions, issuer: config.publicUrl, world }).published();
  const { status, json } = await ask(PATH);
  const published = JSON.stringify(json['keys'] ?? []);
  const missing = own.keys.filter(({ kid }) => !published.includes(`"${kid ?? ''}"`));
  return missing.length === 0
    ? [ok(`All ${own.keys.length} of ASSERTION_KEYS are published.`)]
    : [
        mistake(
          `GET ${PATH} is answered with ${status}, and ${missing.length} of ASSERTION_KEYS are not in it.`,
          'Start the server with these ASSERTION_KEYS, and let the proxy lead this path to it.',
        ),
      ];
};
