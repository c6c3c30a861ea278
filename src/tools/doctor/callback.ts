import { urlAt } from '../http.js';
import type { Device, Sdk } from '../phone/sdk.js';
import { SDKS, systemDevice, openLink, type OpenedLink } from '../phone/open-link.js';
import { about, type Finding } from './finding.js';
import type { Check } from './deployment.js';

/** Rules whose subject has a check of its own. */
const CHECKED_ELSEWHERE = ['TLS 1.2', 'TLS', 'https', 'connection'];

/** Whether an SDK can read the last answer of a chain. @param what names the answer */
export function sdkFindings(sdk: Sdk, { broken, answer }: OpenedLink, what: string): Finding[] {
  const name = `${sdk.name} SDK`;
  if (broken.some(({ rule }) => CHECKED_ELSEWHERE.includes(rule)))
    return [about(name).unchecked('No answer came, so there is nothing to check.')];
  if (broken.length === 0 && answer) return [about(name).ok(`It can read ${what} (${answer.status}).`)];
  return broken.map(({ rule, says, mend }) => about(`${name}: ${rule}`).mistake(says, mend));
}

/** A device with shorter timeouts than the SDKs have: an answer that is late here is too slow. */
const shortTimeouts = (): Device => ({
  ...systemDevice(),
  ...{ chainTimeoutMs: 4_000, answerTimeoutMs: 4_000 },
});

/**
 * The answer of /callback to a device without a link, as each SDK reads it. The answer to a real
 * link is sent in the same format.
 */
export const checkCallback: Check = async ({ base }) => {
  const device = shortTimeouts();
  const open = (sdk: Sdk) => openLink(urlAt(base, '/callback').href, sdk, { device });
  const [ios, android] = await Promise.all([open(SDKS.ios), open(SDKS.android)]);
  const what = 'the answer of /callback';
  return [
    ...sdkFindings(SDKS.ios, ios, what),
    ...sdkFindings(SDKS.android, android, what),
    callbackCookieFinding([ios, android]),
  ];
};

/** This answer has no session cookie, and phones keep none: a cookie comes from the proxy. */
function callbackCookieFinding(opened: readonly OpenedLink[]): Finding {
  const { ok, warning } = about('cookies of /callback');
  const isMarked = opened.some(({ answer }) => answer?.headers.some(({ name }) => name === 'set-cookie'));
  return isMarked
    ? warning(
        'The proxy sets a cookie on it, which no phone keeps.',
        'Turn off sticky sessions: any server answers any request.',
      )
    : ok('None is set.');
}
