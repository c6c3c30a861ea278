import type { KeyObject } from 'node:crypto';
import { publicJwk } from '../../core/keys.js';
import { about, clockFinding, type Finding } from './finding.js';
import { requestAt, type Answer, type Check, type Deployment } from './deployment.js';
import type { Config } from '../../config/config.js';
import { createAppToken } from '../../vonage/tokens.js';
import type { World } from '../../core/world.js';
import { messageOf } from '../command.js';

const PATH = '/.well-known/jwks.json';

/**
 * Others verify our JWTs by the published keys: services the assertions, and an operator those that
 * authenticate this client. Every key of the settings has to be published.
 */
export const checkPublishedKeys: Check = async (deployment) => {
  const config = deployment.settings?.config;
  const sets = { ASSERTION_KEYS: config?.assertions?.keys, CAMARA_PRIVATE_KEY: config?.camara?.keys };
  const findings = Object.entries(sets).map(([name, keys = []]) => keysFinding(deployment, name, keys));
  return (await Promise.all(findings)).flat();
};

async function keysFinding(
  { request }: Deployment,
  name: string,
  keys: readonly KeyObject[],
): Promise<Finding[]> {
  if (keys.length === 0) return [];
  const { ok, mistake } = about(name === 'ASSERTION_KEYS' ? 'assertion keys' : 'operator keys');
  const own = await Promise.all(keys.map(publicJwk));
  const { status, json } = await request(PATH);
  const published = JSON.stringify(json['keys'] ?? []);
  const missing = own.filter(({ kid }) => !published.includes(`"${kid}"`));
  return missing.length === 0
    ? [ok(`All ${own.length} of ${name} are published.`)]
    : [
        mistake(
          `GET ${PATH} is answered with ${status}, and ${missing.length} of ${name} are not in it.`,
          `Start the server with these ${name}, and let the proxy lead this path to it.`,
        ),
      ];
}

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
        `Allow connections from this machine to ${url.host}, or run the doctor on the machine of the server.`,
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
      'Set VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY to a pair that belongs together: generate a new key for this application in the dashboard, and save it there.',
    );
  return warning(`${host} answers with ${status}.`, 'Run the doctor again later, or ask Vonage support.');
}

const vonageClockFinding = ({ aheadMs }: Answer): Finding[] =>
  aheadMs === undefined
    ? []
    : [clockFinding('clock of this machine', -aheadMs, 'the clock of what answers as Vonage')];
