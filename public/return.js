import { codeInFragment } from './client.js';
import { isWaitingForCode, showCauses } from './login-view.js';
import { clearMessage, showError, showMessage } from './message.js';
import { server, settled, timingOf } from './server.js';
import { showLoggedIn } from './session.js';
import { showConclusion, showDurations, showProgress } from './steps.js';
import { tab } from './tab.js';

/** Steps 4 and 5: the redirects return to the page, with a code or an error in the fragment. */

/** The step, counted from zero, at which a login failed, by the error in the fragment. */
const FAILED_STEP = { silent_auth_failed: 2, login_expired: 2, upstream_error: 3, upstream_timeout: 3 };

/** Vonage's `error_description`, without `error`. It is never shown, because it can be forged. */
const VONAGE_ERRORS = new Map([
  ['The silent auth verification cannot be completed.', 'not_completed'],
  ['Device MSISDN does not match.', 'other_number'],
  ['Device number does not resolve to a supported Mobile Network Operator.', 'number_not_supported'],
  ['IP Address does not resolve to a cellular device.', 'not_on_cellular'],
]);
/** Errors that usually disappear on another network, or with another SIM. */
const NETWORK_ERRORS = ['denied', 'not_on_cellular', 'not_completed', 'other_number'];

/** Returns the parameters of the fragment, and removes it from the address and the history. */
export function takeFragment() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return fragment;
}

/** @param others milliseconds of the steps after the first two, which the tab has stored */
const durations = (...others) => [tab.durations[0], tab.durations[1], ...others];

const LOGIN_ID = /^[0-9a-f]{32}$/;

/**
 * Posts the code in the fragment if it is for the login of this tab, and that login waits for its
 * device. Any site can link here with a code of its own, and a wrong code uses up an attempt.
 * @returns the server's answer; an empty object if the code was not posted
 */
export async function verify(fragment) {
  // The redirects of a login in another tab of this browser may open a new tab.
  const mayBeOurs = tab.loginId !== undefined || LOGIN_ID.test(fragment.get('login_id') ?? '');
  const { ok, result: login } = mayBeOurs ? await settled(server.current()) : { ok: true };
  const isOfThisTab = tab.loginId === undefined || tab.loginId === login?.loginId;
  const code = ok && isOfThisTab ? codeInFragment(fragment.toString(), login) : undefined;
  if (code !== undefined) return post(code);
  if (!ok) showError(login);
  else if (login && !isOfThisTab) showMessage((texts) => texts.otherTab.replaced, 'bad');
  else if (tab.loginId === undefined) showError({ error: 'invalid_code' });
  else clearMessage();
  return {};
}

async function post(code) {
  const redirectMs = tab.redirectDuration();
  showProgress(4, 'now');
  showDurations(durations(redirectMs));
  showMessage((texts) => texts.asking);
  const { ok, result } = await settled(server.verify(code));
  const { durationMs, serverMs } = timingOf('/verify');
  const openMs = redirectMs === undefined ? undefined : redirectMs - (serverMs.callback ?? 0);
  showDurations(durations(openMs, serverMs.callback, durationMs));
  if (ok && result.verified === true) {
    showProgress(5);
    showConclusion('silent_auth');
    showLoggedIn();
    return result;
  }
  showProgress(4, 'failed');
  if (ok) showNotVerified(result.reason);
  else showError(result);
  return result;
}

function showNotVerified(reason) {
  const isMismatch = reason === 'number_mismatch';
  if (isMismatch) showConclusion('mismatch');
  showCauses(isMismatch);
  showMessage((texts) => (isMismatch ? texts.mismatch : texts.notVerified), 'bad');
}

/** Vonage's error in the fragment, as a key of `texts.returned`. */
const vonageError = (fragment) =>
  fragment.has('error') ? undefined : VONAGE_ERRORS.get(fragment.get('error_description'));

/**
 * Whether an error in the fragment can concern this tab's login. Any site can link here with an
 * error. A login that waits for a typed code expects no redirect, unless Vonage itself continued
 * with that code.
 */
export const concernsThisLogin = async (fragment) =>
  fragment.get('error') === 'wrong_client' ||
  vonageError(fragment) !== undefined ||
  !(await isWaitingForCode());

export function showReturnedError(fragment) {
  const [error, reason] = [fragment.get('error'), fragment.get('reason')];
  const vonageReason = vonageError(fragment);
  const step = vonageReason ? 2 : Object.hasOwn(FAILED_STEP, error) ? FAILED_STEP[error] : 0;
  showProgress(step, step === 0 ? 'idle' : 'failed');
  showDurations(durations(tab.redirectDuration()));
  showMessage((texts) => {
    const meanings = { ...texts.errors, ...texts.returned };
    const known = [vonageReason, reason, error].find((name) => Object.hasOwn(meanings, name ?? ''));
    return meanings[known ?? 'otherwise'];
  }, 'bad');
  showCauses([vonageReason, reason].some((name) => NETWORK_ERRORS.includes(name)));
}
