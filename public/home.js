import { complain, say } from './message.js';
import { server, settled, timingOf } from './server.js';
import { conclude, progress, took } from './steps.js';
import { tab } from './tab.js';
import { showCauses, whereItStands } from './ways.js';
import { loggedIn } from './who.js';

/** Steps 4 and 5: the device is home again, with a code or an error. */

/** The step, counted from zero, at which a login ended that came back without a code. Other errors are of none. */
const ENDED_AT = { silent_auth_failed: 2, login_expired: 2, upstream_error: 3, upstream_timeout: 3 };

/** What Vonage says itself, in a fragment that has no `error`. It is recognised, and never shown: it can be forged as well. */
const SAID_BY_VONAGE = new Map([
  ['The silent auth verification cannot be completed.', 'not_completed'],
  ['Device MSISDN does not match.', 'other_number'],
  ['Device number does not resolve to a supported Mobile Network Operator.', 'number_not_supported'],
  ['IP Address does not resolve to a cellular device.', 'not_on_cellular'],
]);
/** What is usually mended by another network or another SIM. */
const OF_THE_NETWORK = ['denied', 'not_on_cellular', 'not_completed', 'other_number'];

/** Takes what the redirects left in the address, and leaves nothing of it there or in the history. */
export function takeFragment() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return fragment;
}

/** Milliseconds of the first two steps, which this tab remembers, and of those after them. */
const times = (...others) => [tab.took[0], tab.took[1], ...others];

/** Posts the code that the redirects brought. @returns what the server said */
export async function verify(home) {
  const way = tab.wayHome();
  progress(4, 'now');
  took(times(way));
  say((words) => words.asking);
  const { ok, said } = await settled(server.verify(home.get('code')));
  const { took: last, spent } = timingOf('/verify');
  took(times(way === undefined ? undefined : way - (spent.callback ?? 0), spent.callback, last));
  if (ok && said.verified === true) {
    progress(5);
    conclude('silent_auth');
    loggedIn();
    return said;
  }
  progress(4, 'failed');
  if (ok) refuseProof(said.reason);
  else if (await isReplaced(home.get('login_id'))) say((words) => words.otherTab.replaced, 'bad');
  else complain(said);
  return said;
}

function refuseProof(reason) {
  const mismatch = reason === 'number_mismatch';
  if (mismatch) conclude('mismatch');
  showCauses(mismatch);
  say((words) => (mismatch ? words.mismatch : words.notVerified), 'bad');
}

/** Whether the session has another login by now than the one of this tab, which came home. */
async function isReplaced(loginId) {
  return loginId === tab.loginId && (await whereItStands())?.replaced === true;
}

export function tellError(fragment) {
  const [error, reason] = [fragment.get('error'), fragment.get('reason')];
  const byVonage = error === null ? SAID_BY_VONAGE.get(fragment.get('error_description')) : undefined;
  const at = byVonage ? 2 : Object.hasOwn(ENDED_AT, error) ? ENDED_AT[error] : 0;
  progress(at, at === 0 ? 'idle' : 'failed');
  took(times(tab.wayHome()));
  say((words) => {
    const meanings = { ...words.errors, ...words.returned };
    const known = [byVonage, reason, error].find((name) => Object.hasOwn(meanings, name ?? ''));
    return meanings[known ?? 'otherwise'];
  }, 'bad');
  showCauses([byVonage, reason].some((name) => OF_THE_NETWORK.includes(name)));
}
