import { resend, setResendEarly } from './controls.js';
import { countDown } from './countdown.js';
import { onLanguage } from './language.js';

/** The button that sends another code by the same channel, with the seconds until it may. */

/** The server's interval. Limits the countdown if the clock of the device is wrong. */
const MAX_WAIT_SECONDS = 30;
/** Vonage reports within seconds that a message failed. */
const CHECK_INTERVAL_SECONDS = 5;

let stopCountdown = () => undefined;
let secondsLeft = 0;
let check = () => undefined;
const write = onLanguage((texts) => {
  if (resend.hidden) return;
  const action = texts.resend[resend.value];
  resend.textContent = secondsLeft === 0 ? action : texts.resendIn(action, secondsLeft);
});

/** @param listener called every few seconds in the first half minute after a code was sent */
export const onCheck = (listener) => (check = listener);

/**
 * @param channel the channel under way; undefined if no code was sent
 * @param at when the server sends another code, in ISO 8601
 */
export function showResend(channel, at) {
  stopCountdown();
  resend.hidden = channel === undefined;
  resend.value = channel ?? '';
  if (channel === undefined) return;
  const end = Date.now() + MAX_WAIT_SECONDS * 1000;
  const early = at === undefined ? Infinity : Math.max(0, end - Date.parse(at)) / 1000;
  let checkedAt = MAX_WAIT_SECONDS;
  stopCountdown = countDown(end, (seconds) => {
    secondsLeft = Math.max(0, Math.ceil(seconds - early));
    setResendEarly(secondsLeft > 0);
    write();
    if (seconds > 0 && checkedAt - seconds < CHECK_INTERVAL_SECONDS) return;
    checkedAt = seconds;
    check();
  });
}
