const [form, field] = ['code-form', 'code'].map((id) => document.getElementById(id));
let webOtp;

export function expectCode(length, channel) {
  field.maxLength = length;
  field.focus();
  if (channel === 'sms') startWebOtp();
}

export function clearCode() {
  field.value = '';
  field.removeAttribute('aria-invalid');
}

export const stopWebOtp = () => webOtp?.abort();

export function markCodeInvalid() {
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

/** Writes the digits of `text` into the field. Submits a complete code. */
function enterCode(text) {
  field.value = text.replace(/\D/g, '').slice(0, field.maxLength);
  if (field.value.length === field.maxLength) form.requestSubmit();
}

function pasteCode(event) {
  // The browser would truncate the text to `maxLength` before the spaces are removed.
  event.preventDefault();
  if (!field.readOnly) enterCode(event.clipboardData.getData('text'));
}

/** WebOTP: the browser offers the code of an SMS whose text ends in `@<host> #<code>`. */
function startWebOtp() {
  if (!('OTPCredential' in window)) return;
  stopWebOtp();
  webOtp = new AbortController();
  navigator.credentials.get({ otp: { transport: ['sms'] }, signal: webOtp.signal }).then(
    (offered) => enterCode(offered?.code ?? ''),
    // Refused by the user, or aborted.
    () => undefined,
  );
}

field.addEventListener('input', () => enterCode(field.value));
field.addEventListener('paste', pasteCode);
