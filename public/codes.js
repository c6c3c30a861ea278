import { clearCode, markCodeInvalid, stopWebOtp } from './code-field.js';
import { code, codeForm, confirm, next, phone, setBusy } from './controls.js';
import { currentLogin, showCauses, showLogin } from './login-view.js';
import { clearMessage, focusMessage, showError, showMessage } from './message.js';
import { writeNumber } from './number-field.js';
import { server, settled } from './server.js';
import { showLoggedIn, updateSession } from './session.js';
import { resetSteps, showCodeProgress, showConclusion } from './steps.js';
import { tab } from './tab.js';

export async function sendNext(event) {
  // The second click of a double click may hit a button that has just appeared.
  if (next.disabled || event.detail > 1) return;
  const channel = next.value;
  setBusy(true);
  showMessage((texts) => texts.sending[channel]);
  // If another tab has started a login, the code would go to the number of that tab.
  const { gone, replaced } = (await currentLogin()) ?? {};
  const isSent = !gone && !replaced && (await send(channel));
  if (gone) {
    endLogin();
    showError({ error: 'no_login' });
  } else if (replaced) {
    showLogin({});
    showMessage((texts) => texts.otherTab.replaced, 'bad');
  }
  setBusy(false);
  if (!isSent) focusMessage();
}

/** @returns whether a code was sent */
async function send(channel) {
  const { ok, result } = await settled(server.next(channel));
  if (ok) {
    clearCode();
    showCauses(false);
    const sent = showLogin(result);
    if (sent) showMessage((texts) => texts.sent[sent]);
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
