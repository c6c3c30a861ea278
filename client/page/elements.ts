import type { StepState, StepsView } from './view-steps.js';
import type { ChannelButton } from './view.js';
import type { Text } from './words.js';

/** Writes what changed into elements of the page. Elements are never read for what they show. */

export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
};

export const inputOf = (id: string): HTMLInputElement => byId(id) as HTMLInputElement;

export function setText(element: Element, text: Text | string): void {
  const parts = typeof text === 'string' ? [text] : text;
  const key = JSON.stringify(parts);
  if (written.get(element) === key) return;
  written.set(element, key);
  element.replaceChildren(
    ...parts.map((part) => {
      if (typeof part === 'string') return part;
      const bdi = document.createElement('bdi');
      bdi.dir = 'ltr';
      bdi.textContent = part.ltr;
      return bdi;
    }),
  );
}

const written = new WeakMap<Element, string>();

/** Buttons are never disabled, because the focus would be lost. */
export function setBusy(button: Element, isBusy: boolean): void {
  if (isBusy) button.setAttribute('aria-disabled', 'true');
  else button.removeAttribute('aria-disabled');
}

/**
 * An error is read as the description of its field when that takes the focus. A field that has the
 * focus already is not read again, so the error is then announced by itself.
 */
export function setError(id: string, field: HTMLElement, text: string): void {
  const error = byId(id);
  if (text !== '') error.setAttribute('aria-live', document.activeElement === field ? 'assertive' : 'off');
  setText(error, text);
  field.setAttribute('aria-invalid', String(text !== ''));
}

/** Replaces the buttons only if the channels are others, so that the focus stays. */
export function setChannels(
  box: Element,
  channels: readonly ChannelButton[],
  classOf: (at: number) => string,
): void {
  const key = channels.map(({ channel }) => channel).join();
  if (written.get(box) !== key) {
    written.set(box, key);
    box.replaceChildren(
      ...channels.map(({ channel }) => {
        const button = document.createElement('button');
        Object.assign(button, { type: 'button', value: channel });
        button.dataset['do'] = 'send';
        return button;
      }),
    );
  }
  [...box.children].forEach((button, at) => {
    setText(button, channels[at]?.text ?? '');
    button.className = classOf(at);
  });
}

export const setChannelsBusy = (box: Element, channels: readonly ChannelButton[], isBusy: boolean): void =>
  [...box.children].forEach((button, at) => setBusy(button, isBusy || channels[at]?.isEarly === true));

export function setStep(step: HTMLElement, state: StepState): void {
  step.dataset['state'] = state;
  if (state === 'now') step.setAttribute('aria-current', 'step');
  else step.removeAttribute('aria-current');
}

export function showSteps({ title, steps, instead, total, why }: StepsView): void {
  byId('explain').hidden = false;
  setText(byId('explain-title'), title);
  const rows = [...byId('steps').children] as HTMLElement[];
  steps.forEach(({ state, stateText, took, start, length }, at) => {
    const row = rows[at];
    if (!row) return;
    setStep(row, state);
    const [stateOf, time, bar, tookOf] = ['.state', '.time', '.bar', '.took'].map((part) =>
      row.querySelector<HTMLElement>(part),
    );
    if (!stateOf || !time || !bar || !tookOf) return;
    setText(stateOf, stateText);
    time.hidden = took === '';
    bar.style.marginInlineStart = `${start}%`;
    bar.style.width = `${length}%`;
    setText(tookOf, took);
  });
  const row = byId('instead');
  row.hidden = instead === undefined;
  setStep(row, instead?.state ?? 'idle');
  const stateOf = row.querySelector('.state');
  if (stateOf) setText(stateOf, instead?.stateText ?? '');
  setText(byId('total'), total);
  setText(byId('why'), why);
}
