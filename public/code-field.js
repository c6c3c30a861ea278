const [form, field] = ['code-form', 'code'].map((id) => document.getElementById(id));
let listening;

/** Empties the field for a code of so many digits, and listens for the SMS that brings it. */
export function expectCode(length, channel) {
  field.maxLength = length;
  field.focus();
  if (channel === 'sms') listenForSms();
}

export function emptyCode() {
  field.value = '';
  field.removeAttribute('aria-invalid');
}

/** Nobody waits for a code any more. */
export const stopListening = () => listening?.abort();

export function refuseCode() {
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

/** Keeps the digits, as many as there may be. A full code goes off by itself. */
function takeCode(text) {
  field.value = text.replace(/\D/g, '').slice(0, field.maxLength);
  if (field.value.length === field.maxLength) form.requestSubmit();
}

function pasteCode(event) {
  // The browser would cut what is pasted to the length before its spaces are taken out.
  event.preventDefault();
  if (!field.readOnly) takeCode(event.clipboardData.getData('text'));
}

/** WebOTP: a browser on the phone that got the SMS offers its code, if the text ends in `@<host> #<code>`. */
function listenForSms() {
  if (!('OTPCredential' in window)) return;
  stopListening();
  listening = new AbortController();
  navigator.credentials.get({ otp: { transport: ['sms'] }, signal: listening.signal }).then(
    (offered) => takeCode(offered?.code ?? ''),
    // Refused, or nobody waits any more: the code can be typed.
    () => undefined,
  );
}

field.addEventListener('input', () => takeCode(field.value));
field.addEventListener('paste', pasteCode);
