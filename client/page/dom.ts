import {
  byId,
  inputOf,
  setBusy,
  setChannels,
  setChannelsBusy,
  setError,
  setStep,
  setText,
  showSteps,
} from './elements.js';
import type { ScreenName, View } from './view.js';

/** Applies a view to the page. */

const SCREENS: readonly ScreenName[] = ['number', 'wait', 'code', 'failed', 'done'];

/** @returns a function that shows a view, and moves the focus if the view says so */
export function createPage(): (view: View) => void {
  let focused: string | undefined;
  return (view) => {
    showFrame(view);
    showNumber(view);
    showWait(view);
    showCode(view);
    showFailed(view);
    showDone(view);
    if (view.steps) showSteps(view.steps);
    // The first view is what the page shows already, and must not take the focus from the user.
    if (focused !== undefined && focused !== view.focus.key) FOCUS[view.focus.on]().focus();
    focused = view.focus.key;
  };
}

const FOCUS = {
  heading: () => byId('heading'),
  phone: () => byId('phone'),
  code: () => byId('code-field'),
};

function showFrame({ screen, title, lead, checks, mark, note, who }: View): void {
  for (const each of SCREENS) byId(each).hidden = each !== screen;
  setText(byId('heading'), title);
  setText(byId('lead'), lead);
  byId('lead').hidden = lead.length === 0;
  const list = byId('checks');
  list.hidden = checks.length === 0;
  list.replaceChildren(
    ...checks.map((check) => Object.assign(document.createElement('li'), { textContent: check })),
  );
  byId('mark').hidden = mark === undefined;
  byId('mark').dataset['mark'] = mark ?? '';
  if (mark) byId('mark-icon').setAttribute('href', `#${mark}`);
  setText(byId('note'), note);
  byId('who').hidden = who === undefined;
  setText(byId('who-text'), who?.text ?? []);
  byId('who-change').hidden = who?.canChange !== true;
}

/** Writes a value only if it differs, because that moves the cursor. */
function setValue(field: HTMLInputElement | HTMLSelectElement, value: string): void {
  if (field.value !== value) field.value = value;
}

function showNumber({ number }: View): void {
  byId('other-phone').hidden = !number || !isDesktop();
  if (!number) return;
  const phone = inputOf('phone');
  setValue(phone, number.text);
  setError('phone-error', phone, number.error);
  const country = byId('country') as HTMLSelectElement;
  setValue(country, number.country);
  const calling = country.selectedOptions[0]?.dataset['calling'] ?? '';
  setText(byId('country-shown'), `${number.country} +${calling}`);
  byId('hint').hidden = number.hint === undefined;
  setText(byId('hint-text'), number.hint?.text ?? '');
  setText(byId('hint-take'), number.hint?.take ?? []);
  byId('tip').hidden = number.tip === undefined;
  setText(byId('tip-title'), number.tip?.title ?? '');
  setText(byId('tip-text'), number.tip?.text ?? '');
}

const isDesktop = (): boolean => window.matchMedia('(hover: hover) and (pointer: fine)').matches;

function showWait({ wait }: View): void {
  if (!wait) return;
  byId('progress').hidden = wait.left !== undefined;
  ([...byId('progress').children] as HTMLElement[]).forEach((step, at) =>
    setStep(step, at < wait.reached ? 'done' : at === wait.reached ? 'now' : 'idle'),
  );
  byId('wait-left').hidden = wait.left === undefined;
  setText(byId('wait-left'), wait.left ?? []);
}

function showCode({ code }: View): void {
  if (!code) return;
  const field = inputOf('code-field');
  setText(byId('code-label'), code.label);
  setValue(field, code.text);
  field.readOnly = code.isBusy;
  field.toggleAttribute('data-long', code.length > 6);
  setError('code-error', field, code.error);
  const submit = byId('code-submit');
  setText(submit, code.submit);
  setBusy(submit, code.isBusy);
  byId('code-queue').hidden = code.left === undefined;
  setText(byId('code-left'), code.left ?? []);
  byId('code-more').hidden = code.left !== undefined;
  const resend = byId('resend') as HTMLButtonElement;
  resend.value = code.resend.channel;
  setText(resend, code.resend.text);
  setBusy(resend, code.resend.isEarly || code.isBusy);
  const channels = byId('code-channels');
  setChannels(channels, code.channels, () => 'text');
  setChannelsBusy(channels, code.channels, code.isBusy);
}

function showFailed({ failed }: View): void {
  if (!failed) return;
  const [retry, channels, change] = [byId('retry'), byId('channels'), byId('change')];
  setText(retry, failed.retry?.text ?? '');
  retry.hidden = failed.retry === undefined;
  retry.className = failed.main === 'retry' ? '' : 'second';
  change.hidden = failed.main !== 'change';
  setChannels(channels, failed.channels, (at) =>
    at > 0 ? 'text' : failed.main === 'channel' ? '' : 'second',
  );
  const isRetryFirst = retry.nextElementSibling === channels;
  if (isRetryFirst !== (failed.main === 'retry')) {
    if (isRetryFirst) channels.after(retry);
    else channels.before(retry);
  }
  setBusy(retry, failed.isBusy || failed.retry?.isEarly === true);
  setBusy(change, failed.isBusy);
  setChannelsBusy(channels, failed.channels, failed.isBusy);
}

function showDone({ done }: View): void {
  if (!done) return;
  setText(byId('done-number'), done.number.ltr);
  byId('done-until-row').hidden = done.until === undefined;
  setText(byId('done-until'), done.until ?? '');
  const link = byId('continue') as HTMLAnchorElement;
  link.hidden = done.continueUrl === undefined;
  if (done.continueUrl !== undefined) link.href = done.continueUrl;
  setBusy(byId('logout'), done.isBusy);
}
