/** What people press and type into. */
const part = (id) => document.getElementById(id);
export const [form, phone, submit, logout] = ['login', 'phone', 'submit', 'logout'].map(part);
export const [codeForm, code, confirm] = ['code-form', 'code', 'confirm'].map(part);
export const [offer, next, restart] = ['offer', 'next', 'restart'].map(part);

/** While something is under way nothing can be pressed a second time. */
export function busy(is) {
  for (const button of [submit, logout, confirm, next, restart]) button.disabled = is;
  code.readOnly = is;
}
