import { about, type Finding } from './finding.js';
import type { Check } from './patient.js';

/** Milliseconds. A JWT from the future is refused by whoever is strict, one that is old after five minutes. */
const [NOTICEABLE, TOO_MUCH] = [5_000, 60_000];

/** `Date` counts in seconds, and an answer takes a while. */
const inWords = (ms: number): string => `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead' : 'behind'}`;

/** Judges one clock by another. @param aheadMs by how much it is ahead of the other */
export function clockFinding(check: string, aheadMs: number, than: string): Finding {
  const { ok, warning, mistake } = about(check);
  const away = Math.abs(aheadMs);
  if (away < NOTICEABLE) return ok(`It agrees with ${than}.`);
  const says = `It is ${inWords(aheadMs)} of ${than}.`;
  if (away < TOO_MUCH) return warning(says, 'Keep both by NTP.');
  return mistake(
    `${says} Vonage does not believe JWTs of another time, and webhooks are refused.`,
    'Set the clocks of both by NTP, and see which of them was wrong.',
  );
}

/** What the front of the deployment takes for the time. */
export const checkClock: Check = async ({ ask }) => {
  const { aheadMs } = await ask('/healthz');
  return [
    aheadMs === undefined
      ? about('clock').unchecked('The proxy sends no Date.')
      : clockFinding('clock', aheadMs, 'the clock of this machine'),
  ];
};
