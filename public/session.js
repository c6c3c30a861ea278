import { stopWebOtp } from './code-field.js';
import { locale, onLanguage } from './language.js';
import { hideAll, showCauses } from './login-view.js';
import { showError, showMessage } from './message.js';
import { server, settled } from './server.js';
import { tab } from './tab.js';

/** The session, which all tabs of this browser share. */

const part = (id) => document.getElementById(id);
let session = { authenticated: false };

export const isLoggedIn = () => session.authenticated;

const write = onLanguage((texts) => {
  part('session').hidden = !session.authenticated;
  if (!session.authenticated) return;
  part('session-number').textContent = session.phoneNumber;
  part('session-channel').textContent = texts.channels[session.channel] ?? session.channel;
  writeTime(part('session-since'), session.authenticatedAt);
  writeTime(part('session-until'), session.expiresAt);
});

function writeTime(element, iso) {
  element.dateTime = iso;
  element.textContent = new Date(iso).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
}

/** Shows the user in place of the forms, if the session is logged in. @returns whether it is */
export async function updateSession() {
  const { ok, result } = await settled(server.session());
  session = ok ? result : { authenticated: false };
  write();
  if (isLoggedIn()) hideAll();
  if (!ok) showError(result);
  return isLoggedIn();
}

export function showLoggedIn() {
  tab.clear();
  stopWebOtp();
  showCauses(false);
  notifyOtherTabs('in');
  showMessage((texts) => texts.verified, 'good');
}

const STORAGE_KEY = 'session';

/** @param change `in` or `out` */
export const notifyOtherTabs = (change) => localStorage.setItem(STORAGE_KEY, `${change} ${Date.now()}`);

/** Does not use a BroadcastChannel, which would exclude the page from the back/forward cache. */
export const onOtherTab = (listener) =>
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === STORAGE_KEY && newValue !== null) listener(newValue.split(' ')[0]);
  });
