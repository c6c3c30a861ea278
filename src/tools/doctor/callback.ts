import type { Device, Sdk } from '../phone/sdk.js';
import { SDKS, thisDevice, walk, type Walk } from '../phone/walk.js';
import { about, type Finding } from './finding.js';
import type { Check } from './patient.js';

/** What a check of its own says more of. */
const SAID_ELSEWHERE = ['TLS 1.2', 'TLS', 'https', 'connection'];

/** What an SDK makes of the last answer of a walk. @param what the answer, in words */
export function readingOf(sdk: Sdk, { broken, answer }: Walk, what: string): Finding[] {
  const name = `${sdk.name} SDK`;
  if (broken.some(({ rule }) => SAID_ELSEWHERE.includes(rule)))
    return [about(name).unchecked('It does not come so far as to be answered.')];
  if (broken.length === 0 && answer) return [about(name).ok(`It can read ${what} (${answer.status}).`)];
  return broken.map(({ rule, says, mend }) => about(`${name}: ${rule}`).mistake(says, mend));
}

/** A phone that waits less than the SDKs do, in milliseconds: what is late here is late for them. */
const impatientDevice = (): Device => ({ ...thisDevice(), ...{ chainMs: 4_000, patienceMs: 4_000 } });

/** The answer of /callback to a device without a link, byte by byte, as each SDK reads it. A true one is sent in the same way. */
export const checkCallback: Check = async ({ base }) => {
  const device = impatientDevice();
  const open = (sdk: Sdk) => walk(new URL('/callback', base).href, sdk, { device });
  const [ios, android] = await Promise.all([open(SDKS.ios), open(SDKS.android)]);
  const what = 'the answer of /callback';
  return [
    ...readingOf(SDKS.ios, ios, what),
    ...readingOf(SDKS.android, android, what),
    callbackCookieFinding([ios, android]),
  ];
};

/** Codes come by this answer, and no session: a proxy that marks its clients by a cookie would mark the operator's. */
function callbackCookieFinding(walks: readonly Walk[]): Finding {
  const { ok, warning } = about('cookies of /callback');
  const isMarked = walks.some(({ answer }) => answer?.headers.some(({ name }) => name === 'set-cookie'));
  return isMarked
    ? warning(
        'The proxy sets a cookie on it, which no phone keeps.',
        'Turn off sticky sessions: any server answers any request.',
      )
    : ok('None is set.');
}
