import { clearCode, markCodeInvalid, stopWebOtp } from './code-field.js';
import { code, codeForm, confirm, phone, resend, setBusy } from './controls.js';
import { currentLogin, showCauses, showLogin } from './login-view.js';
import { clearMessage, focusMessage, showError, showMessage } from './message.js';
import { writeNumber } from './number-field.js';
import { server, settled } from './server.js';
import { showLoggedIn, updateSession } from './session.js';
import { resetSteps, showCodeProgress, showConclusion } from './steps.js';
import { tab } from './tab.js';
import { isPassing, isWaiting, stopWaiting, waitThenRetry } from './wait.js';

/** Handles a click on the button of a channel, or on the one that sends another code. */
export async function sendNext({ target, detail }) {
  const button = target.closest('button');
  // The second click of a double click may hit a button that has just appeared.
  if (button === null || button.disabled || detail > 1) return;
  await requestCode(button.value, { resend: button === resend });
}

async function requestCode(channel, options) {
  setBusy(true);
  showMessage((texts) => texts.sending[channel]);
  // If another tab has started a login, the code would go to the number of that tab.
  const { gone, replaced } = (await currentLogin()) ?? {};
  const isSent = !gone && !replaced && (await send(channel, options));
  if (gone) showGone();
  else if (replaced) {
    showLogin({});
    showMessage((texts) => texts.otherTab.replaced, 'bad');
  }
  setBusy(false);
  if (!isSent) focusMessage();
}

/** @returns whether a code is on its way */
async function send(channel, options) {
  const { ok, result } = await settled(server.next(channel, options));
  if (ok) {
    clearCode();
    showCauses(false);
    const sent = showLogin(result);
    if (sent) showMessage((texts) => (options.resend && result.sent ? texts.sentAgain : texts.sent[sent]));
  } else if (isPassing(result)) {
    const retry = () => void requestCode(channel, options);
    waitThenRetry(result, { why: (texts) => texts.wait.code, retry });
  } else if (result.error === 'no_more_channels') {
    const login = (await currentLogin()) ?? {};
    showLogin(login);
    showMessage((texts) => texts.noMoreChannels[channelsLeft(login)], 'bad');
  } else {
    if (result.error === 'no_login' || result.error === 'login_expired') endLogin();
    showError(result);
  }
  return ok;
}

const channelsLeft = (login) => (login?.nextChannels?.length ? 'left' : 'none');

function showGone() {
  endLogin();
  showError({ error: 'no_login' });
}

/**
 * Looks whether the message of the code that is awaited has failed, which Vonage may report seconds
 * later.
 */
export async function checkMessage() {
  const isBusy = () => confirm.disabled || codeForm.hidden || isWaiting();
  if (isBusy()) return;
  const login = await currentLogin();
  if (isBusy()) return;
  if (login?.gone) showGone();
  else if (login?.reason === undefined) return;
  else {
    showLogin(login);
    showCodeProgress('failed');
    showReason(login);
  }
  focusMessage();
}

/** Shows why the message of a login did not arrive, and what to do. */
export const showReason = (login) =>
  showMessage(({ reasons, afterReason }) => {
    const meaning = Object.hasOwn(reasons, login.reason) ? reasons[login.reason] : reasons.otherwise;
    return `${meaning} ${afterReason[channelsLeft(login)]}`;
  }, 'bad');

/** Shows the first form again, which keeps the number. */
function endLogin() {
  tab.clear();
  clearCode();
  if (!codeForm.hidden) showCodeProgress('failed');
  showLogin({});
}

export async function submitCode(event) {
  event.preventDefault();
  if (confirm.disabled) return;
  stopWaiting();
  if (code.value.length < code.maxLength) return rejectCode((texts) => texts.codeTooShort(code.maxLength));
  setBusy(true);
  code.removeAttribute('aria-invalid');
  showCodeProgress('now');
  showMessage((texts) => texts.checkingCode);
  const { ok, result } = await settled(server.verify(code.value));
  if (ok && result.verified === true) {
    clearCode();
    showCodeProgress('done');
    showConclusion('code');
    showLoggedIn();
    await updateSession();
  } else await showCodeError(result);
  setBusy(false);
  if (codeForm.hidden) focusMessage();
}

async function showCodeError(result) {
  switch (result.error) {
    case 'invalid_code':
    case 'login_expired': {
      clearCode();
      // Vonage may have continued with a call, or the session may have ended.
      const login = await currentLogin();
      const sent = login && showLogin(login);
      const canRetry = result.error === 'invalid_code' && (sent || login === undefined);
      if (canRetry) return rejectCode((texts) => texts.wrongCode);
      showCodeProgress('failed');
      if (login?.replaced) return showMessage((texts) => texts.otherTab.replaced, 'bad');
      if (login?.reason) return showReason(login);
      return showMessage((texts) => texts.codeTooOld[channelsLeft(login)], 'bad');
    }
    case 'login_refused':
    case 'too_many_attempts':
      endLogin();
  }
  showError(result);
}

function rejectCode(pick) {
  showMessage(pick, 'bad');
  markCodeInvalid();
}

export function startOver() {
  tab.clear();
  clearCode();
  stopWebOtp();
  writeNumber('');
  resetSteps();
  showCauses(false);
  clearMessage();
  showLogin({});
  phone.focus();
}
