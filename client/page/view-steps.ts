import type { State } from './state.js';
import { fill, measured, plain, type Language } from './words.js';

export type StepState = 'idle' | 'now' | 'done' | 'failed';

/** The steps of a login with their times, for demonstrations. */
export interface StepsView {
  title: string;
  steps: readonly StepView[];
  instead?: { state: StepState; stateText: string } | undefined;
  total: string;
  why: string;
}

interface StepView {
  state: StepState;
  stateText: string;
  took: string;
  /** Where its bar begins and how long it is, in percent of all. */
  start: number;
  length: number;
}

const COUNT = 5;

export function viewSteps({ steps, screen }: State, language: Language): StepsView {
  const { explain } = language.words;
  const { reached, instead, durations, totalMs, why } = steps;
  const times = Array.from({ length: COUNT }, (_, at) => durations[at]);
  const sum = times.reduce<number>((all, ms) => all + (ms ?? 0), 0);
  const all = Math.max(totalMs ?? 0, sum, 1);
  const stateText = (state: StepState) => (state === 'idle' ? '' : explain.states[state]);
  let before = 0;
  return {
    title: screen.at === 'done' || screen.at === 'failed' ? explain.after : explain.before,
    steps: times.map((ms, at) => {
      const state = at < reached ? 'done' : at === reached ? steps.state : 'idle';
      const start = before;
      before += ms ?? 0;
      const took = ms === undefined ? '' : measured(ms, language);
      const [from, length] = [start, ms ?? 0].map((part) => (100 * part) / all);
      return { state, stateText: stateText(state), took, start: from ?? 0, length: length ?? 0 };
    }),
    instead: instead && { state: instead, stateText: stateText(instead) },
    total: totalMs === undefined ? '' : plain(fill(explain.total, { time: measured(totalMs, language) })),
    why: why === undefined ? '' : explain.why[why],
  };
}
