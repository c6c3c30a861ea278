const part = (id) => document.getElementById(id);
export const [form, phone, submit, logout] = ['login', 'phone', 'submit', 'logout'].map(part);
export const [codeForm, code, confirm] = ['code-form', 'code', 'confirm'].map(part);
export const [offer, resend, channels, restart] = ['offer', 'resend', 'channels', 'restart'].map(part);

let isBusy = false;
let isResendEarly = false;

const write = () => {
  for (const button of [submit, logout, confirm, restart, ...channels.children]) button.disabled = isBusy;
  resend.disabled = isBusy || isResendEarly;
  code.readOnly = isBusy;
};

export function setBusy(busy) {
  isBusy = busy;
  write();
}

/** @param early whether the server does not send another code yet */
export function setResendEarly(early) {
  isResendEarly = early;
  write();
}

/** Shows a button for each channel, whose `value` it is. */
export function setChannels(names) {
  const buttons = names.map((name) => Object.assign(document.createElement('button'), { value: name }));
  for (const button of buttons) button.type = 'button';
  channels.replaceChildren(...buttons);
  write();
}
