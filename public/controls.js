const part = (id) => document.getElementById(id);
export const [form, phone, submit, logout] = ['login', 'phone', 'submit', 'logout'].map(part);
export const [codeForm, code, confirm] = ['code-form', 'code', 'confirm'].map(part);
export const [offer, next, restart] = ['offer', 'next', 'restart'].map(part);

export function setBusy(isBusy) {
  for (const button of [submit, logout, confirm, next, restart]) button.disabled = isBusy;
  code.readOnly = isBusy;
}
