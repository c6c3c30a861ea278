import { inWords, locale } from './language.js';

const [steps, instead, total, conclusion] = ['steps', 'instead', 'total', 'conclusion'].map((id) =>
  document.getElementById(id),
);
const NOTHING = { reached: 0, state: 'idle', instead: undefined, took: [], concluded: undefined };
let shown = NOTHING;
const percent = (part, all) => (all === 0 ? 0 : (100 * part) / all);
const draw = inWords(write);

const change = (changes) => {
  shown = { ...shown, ...changes };
  draw();
};

/** All steps before `reached`, counted from zero, are done; that one is in this state, the others have not come yet. */
export const progress = (reached, state) => change({ reached, state, instead: undefined });

/** What comes in place of the steps that failed. */
export const progressInstead = (state) => change({ instead: state });

/** How long steps took, in milliseconds; undefined where nobody knows. */
export const took = (times) => change({ took: times });

/** Says why it came out as it did. */
export const conclude = (name) => change({ concluded: name });

/** As before anything was begun. */
export const forget = () => change(NOTHING);

function write(words) {
  [...steps.children].forEach((step, at) =>
    mark(step, at < shown.reached ? 'done' : at === shown.reached ? shown.state : 'idle', words),
  );
  instead.hidden = shown.instead === undefined;
  if (shown.instead) mark(instead.firstElementChild, shown.instead, words);
  writeTimes(words);
  conclusion.hidden = shown.concluded === undefined;
  conclusion.textContent = words.conclusions[shown.concluded] ?? '';
}

function mark(step, state, words) {
  step.dataset.state = state;
  step.querySelector('.state').textContent = words.states[state];
  if (state === 'now') step.setAttribute('aria-current', 'step');
  else step.removeAttribute('aria-current');
}

/** One bar a step, beginning where the one before it ends. */
function writeTimes(words) {
  const times = [...steps.children].map((_step, at) => shown.took[at]);
  const all = times.reduce((sum, ms) => sum + (ms ?? 0), 0);
  let before = 0;
  [...steps.children].forEach((step, at) => {
    const ms = times[at];
    step.querySelector('.time').hidden = ms === undefined;
    step.querySelector('.took').textContent = ms === undefined ? '' : inUnits(ms);
    const bar = step.querySelector('.bar');
    bar.style.marginInlineStart = `${percent(before, all)}%`;
    bar.style.width = `${percent(ms ?? 0, all)}%`;
    before += ms ?? 0;
  });
  total.hidden = shown.reached < steps.children.length || all === 0;
  total.textContent = total.hidden ? '' : words.steps.total(inUnits(all));
}

/** `87ms`, `2.3s`, as the language has it. */
function inUnits(ms) {
  const [amount, unit, digits] = ms < 1000 ? [ms, 'millisecond', 0] : [ms / 1000, 'second', 1];
  const format = { style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), format).format(amount);
}
