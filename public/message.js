import { onLanguage } from './language.js';

const message = document.getElementById('message');
let currentText = () => '';
const write = onLanguage((texts) => (message.textContent = currentText(texts)));

/**
 * Shows a message in the live region for screen readers.
 * @param pick selects the message from the texts of a language
 * @param tone `good`, `bad` or `plain`
 */
export function showMessage(pick, tone = 'plain') {
  currentText = pick;
  message.dataset.tone = tone;
  write();
}

export function appendMessage(pick) {
  const before = currentText;
  showMessage((texts) => `${before(texts)} ${pick(texts)}`, message.dataset.tone);
}

export const clearMessage = () => showMessage(() => '');
export const isMessageEmpty = () => message.textContent === '';

/** Screen readers do not announce a message from before the page was ready. */
export const focusMessage = () => message.focus();

/** Shows an error of the server in plain terms. Its own `detail` is for developers. */
export function showError({ error, retryAfter: seconds }) {
  showMessage((texts) => {
    const meaning = Object.hasOwn(texts.errors, error) ? texts.errors[error] : texts.errors.otherwise;
    return seconds === undefined ? meaning : `${meaning} ${texts.retryAfter(seconds)}`;
  }, 'bad');
}
