import type { Sdk } from '../handset/sdk.js';
import { SDKS, walk, type Walk } from '../handset/walk.js';
import { about, type Finding } from './finding.js';
import type { Check } from './patient.js';

/** What a check of its own says more of. */
const SAID_ELSEWHERE = ['TLS 1.2', 'TLS', 'https', 'connection'];

/** What an SDK makes of the last answer of a walk. @param what the answer, in words */
export function readingOf(sdk: Sdk, { findings, answer }: Walk, what: string): Finding[] {
  const name = `${sdk.name} SDK`;
  if (findings.some(({ rule }) => SAID_ELSEWHERE.includes(rule)))
    return [about(name).unchecked('It does not come so far as to be answered.')];
  if (findings.length === 0 && answer) return [about(name).ok(`It can read ${what} (${answer.status}).`)];
  return findings.map(({ rule, says, mend }) => about(`${name}: ${rule}`).mistake(says, mend));
}

/** The answer of /callback to a device without a link, byte by byte, as each SDK reads it. A true one is sent in the same way. */
export const checkCallback: Check = async ({ base, device }) => {
  const open = (sdk: Sdk) => walk(new URL('/callback', base).href, sdk, { device });
  const [ios, android] = await Promise.all([open(SDKS.ios), open(SDKS.android)]);
  const what = 'the answer of /callback';
  return [
    ...readingOf(SDKS.ios, ios, what),
    ...readingOf(SDKS.android, android, what),
    cookieFree([ios, android]),
  ];
};

/** Codes come by this answer, and no session: a proxy that marks its clients by a cookie would mark the operator's. */
function cookieFree(walks: readonly Walk[]): Finding {
  const { ok, warning } = about('cookies of /callback');
  const isMarked = walks.some(({ answer }) => answer?.headers.some(({ name }) => name === 'set-cookie'));
  return isMarked
    ? warning(
        'The proxy sets a cookie on it, which no phone keeps.',
        'Turn off sticky sessions: any server answers any request.',
      )
    : ok('None is set.');
}
