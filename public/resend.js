import { resend, setResendEarly } from './controls.js';
import { countDown } from './countdown.js';
import { onLanguage } from './language.js';

/** The button that sends another code by the same channel, with the seconds until it may. */

/** The server's interval. Limits the countdown if the clock of the device is wrong. */
const MAX_WAIT_MS = 30_000;
const CHECK_INTERVAL_SECONDS = 5;

let stopCountdown = () => undefined;
let secondsLeft = 0;
let checkedAt = 0;
let check = () => undefined;
const write = onLanguage((texts) => {
  if (resend.hidden) return;
  const action = texts.resend[resend.value];
  resend.textContent = secondsLeft === 0 ? action : texts.resendIn(action, secondsLeft);
});

/** @param listener called every few seconds of a countdown, and at its end */
export const onResendCountdown = (listener) => (check = listener);

/**
 * @param channel the channel under way; undefined if no code was sent
 * @param at when the server sends another code, in ISO 8601
 */
export function showResend(channel, at) {
  stopCountdown();
  resend.hidden = channel === undefined;
  resend.value = channel ?? '';
  if (channel === undefined) return;
  const now = Date.now();
  const end = Math.min(at === undefined ? now : Date.parse(at), now + MAX_WAIT_MS);
  checkedAt = Math.ceil((end - now) / 1000);
  stopCountdown = countDown(end, (seconds) => {
    secondsLeft = seconds;
    setResendEarly(seconds > 0);
    write();
    if (seconds > 0 && checkedAt - seconds < CHECK_INTERVAL_SECONDS) return;
    checkedAt = seconds;
    check();
  });
}
