/** What is said of one thing that was looked at. */
export interface Finding {
  /** Which thing: the name it is known by. */
  check: string;
  verdict: 'ok' | 'warning' | 'mistake' | 'not checked';
  /** What was seen, in a sentence. No secret stands in it. */
  says: string;
  /** What to change, in a sentence; there with each warning and each mistake. */
  mend?: string;
}

/** Makes findings of one check. */
export const about = (check: string) => ({
  ok: (says: string): Finding => ({ check, verdict: 'ok', says }),
  warning: (says: string, mend: string): Finding => ({ check, verdict: 'warning', says, mend }),
  mistake: (says: string, mend: string): Finding => ({ check, verdict: 'mistake', says, mend }),
  unchecked: (why: string): Finding => ({ check, verdict: 'not checked', says: why }),
});

export const isMistake = ({ verdict }: Finding): boolean => verdict === 'mistake';
