import { phone, setBusy, submit } from './controls.js';
import { locale } from './language.js';
import { currentLogin, hideOffer, showCauses, showLogin } from './login-view.js';
import { showError, showMessage } from './message.js';
import { readNumber } from './number-field.js';
import { server, settled, timingOf } from './server.js';
import { resetSteps, showDurations, showProgress } from './steps.js';
import { tab } from './tab.js';
import { isPassing, stopWaiting, waitThenRetry } from './wait.js';

/** Steps 1 to 3: sends the number, and opens the link. */

/** If the page is still shown after this time, the link did not open. */
const LINK_TIMEOUT_MS = 20_000;

let linkTimer;

export const cancelLinkTimeout = () => clearTimeout(linkTimer);

export async function begin(event) {
  event.preventDefault();
  if (submit.disabled) return;
  stopWaiting();
  const { number, problem } = readNumber();
  resetSteps();
  showCauses(false);
  if (problem) return rejectNumber((texts) => texts.number[problem]);
  phone.removeAttribute('aria-invalid');
  hideOffer();
  await requestLogin(number);
}

async function requestLogin(number) {
  setBusy(true);
  showProgress(0, 'now');
  showMessage((texts) => texts.beginning);
  const { ok, result } = await settled(server.login(number, { client: 'browser', locale: locale() }));
  if (ok) return continueLogin(number, result);
  setBusy(false);
  if (isPassing(result)) {
    const retry = () => void requestLogin(number);
    return waitThenRetry(result, { why: (texts) => texts.wait.login, retry, onCancel: resetSteps });
  }
  showProgress(result.status >= 500 ? 1 : 0, 'failed');
  if (result.error === 'invalid_phone_number') rejectNumber((texts) => texts.number.unknown);
  else showError(result);
}

async function continueLogin(number, result) {
  const { durationMs, serverMs } = timingOf('/login');
  tab.start({
    number,
    loginId: result.loginId,
    durations: [durationMs - (serverMs.total ?? 0), serverMs.total],
  });
  showDurations(tab.durations);
  const login = isWaitingForLink(result) ? ((await currentLogin(isWaitingForLink)) ?? result) : result;
  if (login.authUrl) return openLink(login);
  showProgress(1, 'failed');
  const sent = showLogin(login);
  if (sent) showMessage((texts) => texts.sent[sent]);
  else showMessage((texts) => texts.unavailable, 'bad');
  setBusy(false);
}

/** The server has not received the link yet, which Vonage may send by webhook. */
const isWaitingForLink = ({ channel, authUrl: link }) => channel === 'silent_auth' && !link;

function openLink(login) {
  showProgress(2, 'now');
  showMessage((texts) => texts.leaving);
  linkTimer = setTimeout(showLinkStuck, LINK_TIMEOUT_MS, login);
  tab.leave();
  location.assign(login.authUrl);
}

function rejectNumber(pick) {
  showMessage(pick, 'bad');
  phone.setAttribute('aria-invalid', 'true');
  phone.focus();
}

function showLinkStuck(login) {
  showProgress(2, 'failed');
  showMessage((texts) => texts.stuck, 'bad');
  showCauses(true);
  showLogin(login);
  setBusy(false);
}
