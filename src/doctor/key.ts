import type { Config } from '../config.js';
import { createAppToken } from '../vonage/app-token.js';
import type { World } from '../world.js';
import { clockFinding } from './clock.js';
import { wordsOf } from '../handset/words.js';
import { about, type Finding } from './finding.js';
import { askAt, type Answer, type Check } from './patient.js';

/** The key of the application: whether Vonage believes a JWT made with it. */
export const checkKey: Check = async ({ settings, world }) => {
  const config = settings?.config;
  if (config === undefined)
    return [about('Vonage').unchecked('There are no settings here that could be used.')];
  const { applicationId, privateKey } = config.vonage;
  const token = await createAppToken(applicationId, privateKey, world)();
  return askVonage(config, token, world);
};

/** Asks Vonage for the templates of the account: nothing is changed by it, and nothing is paid for it. */
async function askVonage(config: Config, token: string, world: World): Promise<Finding[]> {
  const { verifyHost } = config.vonage;
  const url = new URL(`${verifyHost}/v2/verify/templates?page_size=1`);
  try {
    const answer = await askAt(url, { headers: { Authorization: `Bearer ${token}` } }, world);
    return [acceptanceFinding(answer, url.host), ...vonageClockFinding(answer)];
  } catch (error) {
    return [
      about('Vonage').mistake(
        wordsOf(error),
        `Let this machine out to ${url.host}; where the server runs somewhere else, run the doctor there.`,
      ),
    ];
  }
}

/** 403 comes to accounts that may not manage templates: the JWT was believed all the same. */
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
