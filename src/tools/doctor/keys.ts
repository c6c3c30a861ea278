import { createAssertions } from '../../session/assertion.js';
import { about, clockFinding, type Finding } from './finding.js';
import { requestAt, type Answer, type Check } from './deployment.js';
import type { Config } from '../../config/config.js';
import { createAppToken } from '../../vonage/tokens.js';
import type { World } from '../../core/world.js';
import { messageOf } from '../command.js';

const PATH = '/.well-known/jwks.json';

/**
 * Other services verify assertions by the published keys: every key of the settings has to be
 * published.
 */
export const checkAssertionKeys: Check = async ({ request, settings, world }) => {
  const config = settings?.config;
  if (config?.assertions === undefined) return [];
  const { ok, mistake } = about('assertion keys');
  const own = await createAssertions({ ...config.assertions, issuer: config.publicUrl, world }).published();
  const { status, json } = await request(PATH);
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

/** Whether Vonage accepts a JWT that is signed with the key of the application. */
export const checkKey: Check = async ({ settings, world }) => {
  const config = settings?.config;
  if (config === undefined)
    return [about('Vonage').unchecked('There are no settings here that could be used.')];
  const { applicationId, privateKey } = config.vonage;
  const token = await createAppToken(applicationId, privateKey, world)();
  return askVonage(config, token, world);
};

/** Asks Vonage for the templates of the account, which changes and costs nothing. */
async function askVonage(config: Config, token: string, world: World): Promise<Finding[]> {
  const { verifyHost } = config.vonage;
  const url = new URL(`${verifyHost}/v2/verify/templates?page_size=1`);
  try {
    const answer = await requestAt(url, { headers: { Authorization: `Bearer ${token}` } }, world);
    return [acceptanceFinding(answer, url.host), ...vonageClockFinding(answer)];
  } catch (error) {
    return [
      about('Vonage').mistake(
        messageOf(error),
        `Let this machine out to ${url.host}; where the server runs somewhere else, run the doctor there.`,
      ),
    ];
  }
}

/** 403 is the answer to accounts that may not manage templates. The JWT was accepted. */
function acceptanceFinding({ status }: Answer, host: string): Finding {
  const { ok, mistake, warning } = about('Vonage');
  if (status === 200 || status === 403) return ok(`${host} takes the JWT.`);
  if (status === 401)
    return mistake(
      `${host} does not take the JWT (401).`,
      'Set VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY to what belongs together: generate a new key in the dashboard of this very application, and save it there.',
    );
  return warning(`${host} answers with ${status}.`, 'Run the doctor again later, or ask Vonage support.');
}

const vonageClockFinding = ({ aheadMs }: Answer): Finding[] =>
  aheadMs === undefined
    ? []
    : [clockFinding('clock of this machine', -aheadMs, 'the clock of what answers as Vonage')];
