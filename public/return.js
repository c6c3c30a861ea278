import { codeInFragment } from './client.js';
import { complain, say, silence } from './message.js';
import { server, settled, timingOf } from './server.js';
import { conclude, progress, took } from './steps.js';
import { tab } from './tab.js';
import { showCauses, waitsForCode } from './ways.js';
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

const LOGIN_ID = /^[0-9a-f]{32}$/;

/**
 * Posts the code in the fragment if it is for the login of this tab, and that login waits for its
 * device. Any site can link here with a code of its own, and a wrong code uses up a try.
 * @returns what the server said; an empty object if the code was not posted
 */
export async function verify(home) {
  // A tab that began no login may have been opened with the code of this browser's login.
  const mayBeOurs = tab.loginId !== undefined || LOGIN_ID.test(home.get('login_id') ?? '');
  const { ok, said: login } = mayBeOurs ? await settled(server.current()) : { ok: true };
  const isOfThisTab = tab.loginId === undefined || tab.loginId === login?.loginId;
  const code = ok && isOfThisTab ? codeInFragment(home.toString(), login) : undefined;
  if (code !== undefined) return post(code);
  if (!ok) complain(login);
  else if (login && !isOfThisTab) say((words) => words.otherTab.replaced, 'bad');
  else if (tab.loginId === undefined) complain({ error: 'invalid_code' });
  else silence();
  return {};
}

async function post(code) {
  const way = tab.wayHome();
  progress(4, 'now');
  took(times(way));
  say((words) => words.asking);
  const { ok, said } = await settled(server.verify(code));
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
  else complain(said);
  return said;
}

function refuseProof(reason) {
  const mismatch = reason === 'number_mismatch';
  if (mismatch) conclude('mismatch');
  showCauses(mismatch);
  say((words) => (mismatch ? words.mismatch : words.notVerified), 'bad');
}

/** What Vonage says in the fragment, as a name in `words.returned`. */
const saidByVonage = (fragment) =>
  fragment.has('error') ? undefined : SAID_BY_VONAGE.get(fragment.get('error_description'));

/**
 * Whether an error in the fragment can concern this tab's login. Any site can link here with an
 * error. A login that waits for a typed code expects no redirect any more, unless Vonage itself
 * moved it on to that code.
 */
export const isOfLogin = async (fragment) =>
  fragment.get('error') === 'wrong_client' || saidByVonage(fragment) !== undefined || !(await waitsForCode());

export function tellError(fragment) {
  const [error, reason] = [fragment.get('error'), fragment.get('reason')];
  const byVonage = saidByVonage(fragment);
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
