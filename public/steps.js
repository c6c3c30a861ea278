import { locale, onLanguage } from './language.js';

const [steps, instead, total, conclusion] = ['steps', 'instead', 'total', 'conclusion'].map((id) =>
  document.getElementById(id),
);
const INITIAL = { reached: 0, state: 'idle', instead: undefined, durations: [], conclusion: undefined };
let shown = INITIAL;
const percent = (part, all) => (all === 0 ? 0 : (100 * part) / all);
const draw = onLanguage(write);

const change = (changes) => {
  shown = { ...shown, ...changes };
  draw();
};

/** Marks the steps before `reached`, counted from zero, as done, and `reached` by its state. */
export const showProgress = (reached, state) => change({ reached, state, instead: undefined });

/** Shows the step of a typed code, in place of those that failed. */
export const showCodeProgress = (state) => change({ instead: state });

/** @param durations milliseconds by step; undefined if unknown */
export const showDurations = (durations) => change({ durations });

/** @param name a key of `texts.conclusions` */
export const showConclusion = (name) => change({ conclusion: name });

export const resetSteps = () => change(INITIAL);

function write(texts) {
  [...steps.children].forEach((step, at) =>
    mark(step, at < shown.reached ? 'done' : at === shown.reached ? shown.state : 'idle', texts),
  );
  instead.hidden = shown.instead === undefined;
  if (shown.instead) mark(instead.firstElementChild, shown.instead, texts);
  writeDurations(texts);
  conclusion.hidden = shown.conclusion === undefined;
  conclusion.textContent = texts.conclusions[shown.conclusion] ?? '';
}

function mark(step, state, texts) {
  step.dataset.state = state;
  step.querySelector('.state').textContent = texts.states[state];
  if (state === 'now') step.setAttribute('aria-current', 'step');
  else step.removeAttribute('aria-current');
}

function writeDurations(texts) {
  const durations = [...steps.children].map((_step, at) => shown.durations[at]);
  const all = durations.reduce((sum, ms) => sum + (ms ?? 0), 0);
  let before = 0;
  [...steps.children].forEach((step, at) => {
    const ms = durations[at];
    step.querySelector('.time').hidden = ms === undefined;
    step.querySelector('.took').textContent = ms === undefined ? '' : inUnits(ms);
    const bar = step.querySelector('.bar');
    bar.style.marginInlineStart = `${percent(before, all)}%`;
    bar.style.width = `${percent(ms ?? 0, all)}%`;
    before += ms ?? 0;
  });
  total.hidden = shown.reached < steps.children.length || all === 0;
  total.textContent = total.hidden ? '' : texts.steps.total(inUnits(all));
}

/** `87ms`, `2.3s`, in the format of the language. */
function inUnits(ms) {
  const [amount, unit, digits] = ms < 1000 ? [ms, 'millisecond', 0] : [ms / 1000, 'second', 1];
  const format = { style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), format).format(amount);
}
