import { messageOf } from '../command.js';
import { checkCallback } from './callback.js';
import type { Check, Deployment } from './deployment.js';
import { checkHttp, checkOtherOrigins, checkPrivate } from './exposure.js';
import { about, isMistake, type Finding } from './finding.js';
import {
  checkClock,
  checkHeaders,
  checkHealth,
  checkLongLinks,
  checkPublicUrl,
  checkReadiness,
} from './http.js';
import { checkKey, checkPublishedKeys } from './keys.js';
import { checkLogin } from './login.js';
import { checkOperator } from './operator.js';
import { checkCaches, checkErrorAnswers, checkMethods, checkPageFiles, checkUserAgents } from './proxy.js';
import { checkRedis } from './redis.js';
import { checkSettings } from './settings.js';
import { checkTls } from './tls.js';
import { checkWebhooks } from './webhook.js';

/** Checks of the settings, which need no deployment. */
const SETTINGS_CHECKS: Record<string, Check> = {
  settings: checkSettings,
  key: checkKey,
  operator: checkOperator,
  Redis: checkRedis,
};

/** Checks whether the server can be reached. */
const REACHABILITY_CHECKS: Record<string, Check> = { TLS: checkTls, healthz: checkHealth };

/** The mistakes with which the server cannot be reached. */
const UNREACHABLE = ['TLS', 'certificate', 'healthz'];

const DEPLOYMENT_CHECKS: Record<string, Check> = {
  readyz: checkReadiness,
  http: checkHttp,
  PUBLIC_URL: checkPublicUrl,
  headers: checkHeaders,
  caches: checkCaches,
  methods: checkMethods,
  errors: checkErrorAnswers,
  'user agents': checkUserAgents,
  page: checkPageFiles,
  'other origins': checkOtherOrigins,
  'private paths': checkPrivate,
  'long links': checkLongLinks,
  '/callback': checkCallback,
  clock: checkClock,
  webhooks: checkWebhooks,
  'published keys': checkPublishedKeys,
  login: checkLogin,
};

/** Runs all checks, one after the other. */
export async function* runChecks(deployment: Deployment): AsyncGenerator<Finding> {
  for (const [name, check] of Object.entries(SETTINGS_CHECKS))
    yield* await runCheck(deployment, { name, check });
  for (const [name, check] of Object.entries(REACHABILITY_CHECKS)) {
    const findings = await runCheck(deployment, { name, check });
    yield* findings;
    if (findings.some((each) => isMistake(each) && UNREACHABLE.includes(each.check))) {
      yield about('everything else').unchecked('The server has to be reached first.');
      return;
    }
  }
  for (const [name, check] of Object.entries(DEPLOYMENT_CHECKS))
    yield* await runCheck(deployment, { name, check });
}

/** The verdict of a check that throws is `not checked`. */
async function runCheck(
  deployment: Deployment,
  { name, check }: { name: string; check: Check },
): Promise<Finding[]> {
  try {
    return await check(deployment);
  } catch (error) {
    return [about(name).unchecked(messageOf(error))];
  }
}
