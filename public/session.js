import { stopListening } from './code-field.js';
import { complain, say } from './message.js';
import { isLoggedIn, showSession } from './session-card.js';
import { tab } from './tab.js';
import { hideAll, showCauses } from './ways.js';

/** Who is logged in, in this tab and in the others of this browser, which share the session. */

const NEWS = 'session';
/** @param way `in` or `out` */
export const tellOtherTabs = (way) => localStorage.setItem(NEWS, `${way} ${Date.now()}`);
/** Not by a BroadcastChannel, which would keep this page from being brought back by the back button. */
export const hearOtherTabs = (listener) =>
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === NEWS && newValue !== null) listener(newValue.split(' ')[0]);
  });

/** The login of this tab came to its good end. */
export function loggedIn() {
  tab.over();
  stopListening();
  showCauses(false);
  tellOtherTabs('in');
  say((words) => words.verified, 'good');
}

/** Shows who is logged in, in place of all ways to log in, if anybody is. @returns whether somebody is */
export async function showWhoIsLoggedIn() {
  const { ok, said } = await showSession();
  if (isLoggedIn()) hideAll();
  if (!ok) complain(said);
  return isLoggedIn();
}
