import { appendFileSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

/** The rows that `npm run test:hostile` prints: the sum or the maximum of the suites' counts. */
export const ROWS = {
  'cases tried': 'sum',
  'cases refused': 'sum',
  'upstream calls caused by refused cases': 'sum',
  'random requests': 'sum',
  'random requests with an undeclared answer': 'sum',
  'interleavings tried': 'sum',
  'invariant breaks': 'sum',
  'logouts that left a session logged in': 'sum',
  'slots held by other connections': 'sum',
  'spellings accepted (of one number, at the most)': 'max',
  'mutations tried': 'sum',
  'mutations caught': 'sum',
  'faults tried': 'sum',
  'faults survived': 'sum',
  'worst time to 503 (ms)': 'max',
} as const;

export type Row = keyof typeof ROWS;

/** Relative to the folder of the package, where npm runs its scripts. */
export const FIGURES = resolve('artifacts/hostile.jsonl');

/**
 * Adds the counts of a suite. Suites run in separate processes, so the counts are kept in a file.
 */
export function addToSummary(figures: Partial<Record<Row, number>>): void {
  mkdirSync(resolve(FIGURES, '..'), { recursive: true });
  appendFileSync(FIGURES, `${JSON.stringify(figures)}\n`);
}
