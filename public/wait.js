import { countDown } from './countdown.js';
import { onLanguage } from './language.js';
import { focusMessage, showMessage } from './message.js';

/** A request of the user that the server does not accept yet, and that the page repeats. */

const [box, left, cancel] = ['wait', 'wait-left', 'wait-cancel'].map((id) => document.getElementById(id));
let stopCountdown = () => undefined;
let undo = () => undefined;
let secondsLeft = 0;
const write = onLanguage((texts) => (left.textContent = texts.wait.left(secondsLeft)));

export const isWaiting = () => !box.hidden;

/** Whether an error ends by itself: an earlier login of the number is in progress. */
export const isPassing = ({ error, retryAfter }) => error === 'login_in_progress' && retryAfter !== undefined;

/**
 * Waits as long as the server says, and then calls `retry`, unless the user cancels before.
 * @param error one that {@link isPassing}
 * @param plan `why` selects the message from the texts of a language; `onCancel` is called if the
 * user cancels
 */
export function waitThenRetry({ retryAfter }, { why, retry, onCancel = () => undefined }) {
  stopWaiting();
  showMessage(why);
  box.hidden = false;
  undo = onCancel;
  stopCountdown = countDown(Date.now() + retryAfter * 1000, (seconds) => {
    secondsLeft = seconds;
    write();
    if (seconds > 0) return;
    stopWaiting();
    retry();
  });
  focusMessage();
}

export function stopWaiting() {
  stopCountdown();
  box.hidden = true;
}

cancel.addEventListener('click', () => {
  stopWaiting();
  undo();
  showMessage((texts) => texts.wait.cancelled);
  focusMessage();
});
