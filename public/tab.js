/** The login of this tab. It is kept through redirects and reloads until the login is over. */
const STORAGE_KEY = 'login';
const load = () => JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '{}');
const save = (login) => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(login));

export const tab = {
  get number() {
    return load().number;
  },
  get loginId() {
    return load().loginId;
  },
  /** Milliseconds by step. */
  get durations() {
    return load().durations ?? [];
  },
  start: ({ number, loginId, durations }) => save({ number, loginId, durations }),
  leave: () => save({ ...load(), leftAt: Date.now() }),
  /** Milliseconds from leaving the page to its return; undefined if no link was opened. */
  redirectDuration() {
    const { leftAt, ...login } = load();
    if (leftAt === undefined) return undefined;
    save(login);
    const [navigation] = performance.getEntriesByType('navigation');
    return performance.timeOrigin + (navigation?.responseStart ?? 0) - leftAt;
  },
  clear: () => sessionStorage.removeItem(STORAGE_KEY),
};
