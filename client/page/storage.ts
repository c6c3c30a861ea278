import type { Left, OtherTabChange, TabLogin } from './state.js';

/** The storage of the browser. If it is blocked, the page keeps nothing, and still works. */

const LOGIN = 'login';
const LEFT = 'left';
const TABS = 'session';

export const loadLogin = (): TabLogin | undefined => load(LOGIN) as TabLogin | undefined;

export const keepLogin = (login: TabLogin | undefined): void => keep(LOGIN, login);

/** Only the page that is loaded next shows what was left. */
export function takeLeft(): Left | undefined {
  const left = load(LEFT) as Left | undefined;
  keep(LEFT, undefined);
  return left;
}

export const keepLeft = (left: Left): void => keep(LEFT, left);

function load(key: string): unknown {
  try {
    const text = sessionStorage.getItem(key);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keep(key: string, value: unknown): void {
  try {
    if (value === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Blocked or full.
  }
}

/** Does not use a BroadcastChannel, which would exclude the page from the back/forward cache. */
export function notifyOtherTabs(change: OtherTabChange): void {
  try {
    localStorage.setItem(TABS, `${change} ${Date.now()}`);
  } catch {
    // Blocked or full.
  }
}

export const onOtherTab = (listener: (change: OtherTabChange) => void): void =>
  window.addEventListener('storage', ({ key, newValue }) => {
    const change = (['in', 'out', 'login'] as const).find((name) => name === newValue?.split(' ')[0]);
    if (key === TABS && change !== undefined) listener(change);
  });

/**
 * Whether the browser stores cookies. `navigator.cookieEnabled` alone does not see all settings.
 */
export function keepsCookies(): boolean {
  try {
    document.cookie = 'probe=1; SameSite=Lax; Path=/';
    const isKept = /(?:^|; )probe=1/.test(document.cookie);
    document.cookie = 'probe=; SameSite=Lax; Path=/; Max-Age=0';
    return navigator.cookieEnabled && isKept;
  } catch {
    return false;
  }
}
