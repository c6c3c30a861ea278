/** The result of one check. */
export interface Finding {
  /** The name of what was checked. */
  check: string;
  verdict: 'ok' | 'warning' | 'mistake' | 'not checked';
  /** What was found, in a sentence without secrets. */
  says: string;
  /** What to change, in a sentence; present with each warning and each mistake. */
  mend?: string;
}

/** Makes the findings of one check. */
export const about = (check: string) => ({
  ok: (says: string): Finding => ({ check, verdict: 'ok', says }),
  warning: (says: string, mend: string): Finding => ({ check, verdict: 'warning', says, mend }),
  mistake: (says: string, mend: string): Finding => ({ check, verdict: 'mistake', says, mend }),
  unchecked: (why: string): Finding => ({ check, verdict: 'not checked', says: why }),
});

export const isMistake = ({ verdict }: Finding): boolean => verdict === 'mistake';

/** A strict peer refuses a JWT from the future at once, and an old one after five minutes. */
const [NOTICEABLE_MS, MAX_OFFSET_MS] = [5_000, 60_000];

/** `Date` is in whole seconds, and an answer takes time: seconds are precise enough. */
const describeOffset = (ms: number): string =>
  `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead' : 'behind'}`;

/** Compares one clock with another. @param aheadMs how far it is ahead of the other */
export function clockFinding(check: string, aheadMs: number, than: string): Finding {
  const { ok, warning, mistake } = about(check);
  const offsetMs = Math.abs(aheadMs);
  if (offsetMs < NOTICEABLE_MS) return ok(`It agrees with ${than}.`);
  const says = `It is ${describeOffset(aheadMs)} of ${than}.`;
  if (offsetMs < MAX_OFFSET_MS) return warning(says, 'Keep both by NTP.');
  return mistake(
    `${says} Vonage refuses JWTs that are too old or issued in the future, and webhooks are refused.`,
    'Set the clocks of both by NTP, and see which of them was wrong.',
  );
}
