import { begin, cancelLinkTimeout } from './begin.js';
import { checkMessage, sendNext, showReason, startOver, submitCode } from './codes.js';
import { channels, codeForm, form, logout, phone, resend, restart, setBusy, submit } from './controls.js';
import './devices.js';
import { currentLogin, showCauses, showLogin, updateOffer } from './login-view.js';
import {
  appendMessage,
  clearMessage,
  focusMessage,
  isMessageEmpty,
  showError,
  showMessage,
} from './message.js';
import { isNumberEmpty, writeNumber } from './number-field.js';
import { onCheck } from './resend.js';
import { concernsThisLogin, showReturnedError, takeFragment, verify } from './return.js';
import { server, settled } from './server.js';
import { isLoggedIn, notifyOtherTabs, onOtherTab, updateSession } from './session.js';
import { resetSteps } from './steps.js';
import { tab } from './tab.js';
import { isWaiting, stopWaiting } from './wait.js';

async function logOut() {
  if (logout.disabled) return;
  setBusy(true);
  const { ok, result } = await settled(server.logout());
  resetSteps();
  if (ok) {
    notifyOtherTabs('out');
    writeNumber('');
    showMessage((texts) => texts.loggedOut);
    if (!(await updateSession())) showLogin({});
  } else showError(result);
  setBusy(false);
  if (!form.hidden) phone.focus();
}

async function followOtherTab(change) {
  const wasLoggedIn = isLoggedIn();
  if ((await updateSession()) === wasLoggedIn) return;
  resetSteps();
  showCauses(false);
  showMessage((texts) => texts.otherTab[change]);
  if (wasLoggedIn) showLogin({});
  else tab.clear();
}

async function start() {
  cancelLinkTimeout();
  stopWaiting();
  const fragment = takeFragment();
  setBusy(true);
  resetSteps();
  showMessage((texts) => texts.checking);
  if (isNumberEmpty() && tab.number) writeNumber(tab.number);
  const failed = fragment.has('error') || fragment.has('error_description');
  let result = {};
  if (fragment.has('code')) result = await verify(fragment);
  else if (failed && (await concernsThisLogin(fragment))) showReturnedError(fragment);
  else clearMessage();
  if (!(await updateSession())) {
    const login = result.nextChannels ? result : await loginAfter(fragment);
    const sent = showLogin(login);
    if (sent && isMessageEmpty()) showMessage((texts) => texts.sent[sent]);
    else if (sent && fragment.get('error') === 'wrong_client') appendMessage((texts) => texts.sent[sent]);
    else if (sent) appendMessage((texts) => texts.orType[sent]);
    else if (isMessageEmpty() && login.gone) showMessage((texts) => texts.errors.no_login, 'bad');
    else if (isMessageEmpty() && login.reason) showReason(login);
    else if (isMessageEmpty()) showMessage((texts) => texts.found[login.status] ?? '');
  }
  setBusy(false);
  // The code field refers to the message, and has the focus if it is visible.
  if ((fragment.has('code') || failed) && codeForm.hidden) focusMessage();
}

/** The silent step failed, but the server has not received Vonage's webhook yet. */
const isStillSilent = ({ status, channel, nextChannels }) =>
  status === 'pending' && channel === 'silent_auth' && nextChannels.length > 0;

async function loginAfter(fragment) {
  const isVonageError = fragment.has('error_description') && !fragment.has('error');
  return (await currentLogin(isVonageError ? isStillSilent : undefined)) ?? {};
}

form.addEventListener('submit', (event) => void begin(event));
phone.addEventListener('input', updateOffer);
codeForm.addEventListener('submit', (event) => void submitCode(event));
for (const each of [channels, resend]) each.addEventListener('click', (event) => void sendNext(event));
onCheck(() => void checkMessage());
restart.addEventListener('click', startOver);
logout.addEventListener('click', () => void logOut());
onOtherTab((change) => void followOtherTab(change));
// The back/forward cache restores the page as it was left: busy, and with an outdated login.
window.addEventListener('pageshow', (event) => void (event.persisted && start()));
// The redirects load the page again. A fragment that appears in an open page comes from another
// site, and must not disturb a login in progress.
window.addEventListener('hashchange', () => {
  if (submit.disabled || !codeForm.hidden || isWaiting()) takeFragment();
  else void start();
});
void start();
