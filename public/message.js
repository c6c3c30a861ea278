import { inWords } from './language.js';

const message = document.getElementById('message');
let said = () => '';
const write = inWords((words) => (message.textContent = said(words)));

/**
 * Says something in the one place that screen readers follow.
 * @param pick chooses it from the words of a language
 * @param tone `good`, `bad` or `plain`
 */
export function say(pick, tone = 'plain') {
  said = pick;
  message.dataset.tone = tone;
  write();
}

/** Says this as well, behind what is there. */
export function sayAlso(pick) {
  const before = said;
  say((words) => `${before(words)} ${pick(words)}`, message.dataset.tone);
}

export const silence = () => say(() => '');
export const isSilent = () => message.textContent === '';

/** A message that was there when the page appeared is not read out by itself. */
export const focusMessage = () => message.focus();

/** Says what an error of the server means for the one who logs in. Its own `detail` is for developers. */
export function complain({ error, retryAfter: seconds }) {
  say((words) => {
    const meaning = Object.hasOwn(words.errors, error) ? words.errors[error] : words.errors.otherwise;
    return seconds === undefined ? meaning : `${meaning} ${words.retryAfter(seconds)}`;
  }, 'bad');
}
