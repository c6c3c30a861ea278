import { expectCode } from './code-field.js';
import { channels, codeForm, form, offer, restart, setChannels } from './controls.js';
import { onLanguage } from './language.js';
import { readNumber } from './number-field.js';
import { showResend } from './resend.js';
import { server, settled } from './server.js';
import { showCodeProgress } from './steps.js';
import { tab } from './tab.js';
import { stopWaiting } from './wait.js';

const causes = document.getElementById('causes');

/** Polling for the effects of Vonage's webhooks, which may arrive after the browser. */
const MAX_POLLS = 8;
const POLL_INTERVAL_MS = 500;

let shown = {};
const write = onLanguage((texts) => {
  const { sent, length } = shown;
  for (const button of channels.children) button.textContent = texts.next[button.value];
  if (!sent) return;
  document.getElementById('code-label').textContent = texts.codeLabel[sent];
  document.getElementById('code-hint').textContent = texts.codeHint(length, tab.number);
});

/**
 * Shows the field for the code that was sent, or the form for a number, and a button for each
 * channel that is left.
 * @returns the channel by which a code was sent
 */
export function showLogin({ status = 'pending', channel, codeLength: length, resendAt, nextChannels = [] }) {
  const sent = status === 'pending' && length !== undefined ? channel : undefined;
  shown = { sent, length };
  stopWaiting();
  form.hidden = sent !== undefined;
  codeForm.hidden = sent === undefined;
  restart.hidden = sent === undefined;
  offer.hidden = nextChannels.length === 0 && restart.hidden;
  setChannels(nextChannels);
  showResend(sent, resendAt);
  write();
  if (sent !== undefined) {
    showCodeProgress('now');
    expectCode(length, sent);
  }
  return sent;
}

export const hideOffer = () => (offer.hidden = true);

export function hideAll() {
  stopWaiting();
  showResend();
  for (const each of [form, codeForm, offer]) each.hidden = true;
}

/** Hides the buttons for a code if the field has another number than the login. */
export function updateOffer() {
  offer.hidden = channels.childElementCount === 0 || readNumber().number !== tab.number;
}

export const showCauses = (isShown) => (causes.hidden = !isShown);

/**
 * Requests the login of this tab from the server, and polls while `isPending`.
 * @returns `{}` if the tab has no login, `gone` if the session has none, `replaced` if the session
 * has another one, undefined without an answer
 */
export async function currentLogin(isPending = () => false) {
  if (tab.number === undefined) return {};
  for (let polls = 1; ; polls += 1) {
    const { ok, result } = await settled(server.current());
    if (!ok) return undefined;
    if (result === undefined) {
      tab.clear();
      return { gone: true };
    }
    if (result.loginId !== tab.loginId) return { replaced: true };
    if (polls === MAX_POLLS || !isPending(result)) return result;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

export async function isWaitingForCode() {
  const { status, codeLength } = (await currentLogin()) ?? {};
  return status === 'pending' && codeLength !== undefined;
}
