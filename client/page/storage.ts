import type { OtherTabChange, TabLogin } from './state.js';

/** The storage of the browser, which may be blocked: the page then keeps nothing, and works on. */

const LOGIN = 'login';
const TABS = 'session';

export function loadLogin(): TabLogin | undefined {
  try {
    const text = sessionStorage.getItem(LOGIN);
    return text === null ? undefined : (JSON.parse(text) as TabLogin);
  } catch {
    return undefined;
  }
}

export function keepLogin(login: TabLogin | undefined): void {
  try {
    if (login === undefined) sessionStorage.removeItem(LOGIN);
    else sessionStorage.setItem(LOGIN, JSON.stringify(login));
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
