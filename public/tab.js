/** The login that was begun in this tab, until it is over: it outlives the redirects, and a reload. */
const KEPT = 'login';
const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
const keep = (login) => sessionStorage.setItem(KEPT, JSON.stringify(login));

export const tab = {
  get number() {
    return kept().number;
  },
  get loginId() {
    return kept().loginId;
  },
  /** Milliseconds each step took so far. */
  get took() {
    return kept().took ?? [];
  },
  begins: (number, loginId, took) => keep({ number, loginId, took }),
  leaves: () => keep({ ...kept(), leftAt: Date.now() }),
  /** Milliseconds from leaving this page to coming back to it; undefined when it was not left for a link. */
  wayHome() {
    const { leftAt, ...login } = kept();
    if (leftAt === undefined) return undefined;
    keep(login);
    const [navigation] = performance.getEntriesByType('navigation');
    return performance.timeOrigin + (navigation?.responseStart ?? 0) - leftAt;
  },
  over: () => sessionStorage.removeItem(KEPT),
};
