import { checkAssertionKeys } from './keys.js';
import { checkCallback } from './callback.js';
import { checkClock } from './clock.js';
import { checkHttp, checkPrivate, checkStrangers } from './closed.js';
import { wordsOf } from '../phone/words.js';
import { about, isMistake, type Finding } from './finding.js';
import { checkHeaders, checkHealth, checkLongLinks, checkPublicUrl, checkReadiness } from './front.js';
import { checkKey } from './keys.js';
import { checkLogin } from './login.js';
import type { Check, Patient } from './patient.js';
import { checkRedis } from './redis.js';
import { checkSettings } from './settings.js';
import { checkTls } from './tls.js';
import { checkWebhooks } from './webhook.js';

/** What can be looked at without the deployment. */
const INSIDE: Record<string, Check> = { settings: checkSettings, key: checkKey, Redis: checkRedis };

/** Mistakes behind which nothing answers. */
const SHUT = ['TLS', 'certificate', 'healthz'];

/** What has to be there for the rest to be asked at all. */
const DOOR: Record<string, Check> = { TLS: checkTls, healthz: checkHealth };

const OUTSIDE: Record<string, Check> = {
  readyz: checkReadiness,
  http: checkHttp,
  PUBLIC_URL: checkPublicUrl,
  headers: checkHeaders,
  'other origins': checkStrangers,
  'private paths': checkPrivate,
  'long links': checkLongLinks,
  '/callback': checkCallback,
  clock: checkClock,
  webhooks: checkWebhooks,
  'assertion keys': checkAssertionKeys,
  login: checkLogin,
};

/** Looks at a deployment, one thing after the other, and says of each what it found. */
export async function* examine(patient: Patient): AsyncGenerator<Finding> {
  for (const each of Object.entries(INSIDE)) yield* await look(patient, each);
  for (const each of Object.entries(DOOR)) {
    const findings = await look(patient, each);
    yield* findings;
    if (findings.some((each) => isMistake(each) && SHUT.includes(each.check))) {
      yield about('everything else').unchecked('The server has to be reached first.');
      return;
    }
  }
  for (const each of Object.entries(OUTSIDE)) yield* await look(patient, each);
}

/** A check that meets something it does not expect has checked nothing. */
async function look(patient: Patient, [name, check]: [string, Check]): Promise<Finding[]> {
  try {
    return await check(patient);
  } catch (error) {
    return [about(name).unchecked(wordsOf(error))];
  }
}
