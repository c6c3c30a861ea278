import { appendFileSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The rows of the table that `npm run test:hostile` prints, in its order; a row adds up what
 * suites say, or keeps the worst.
 */
export const ROWS = {
  'cases tried': 'sum',
  'cases refused': 'sum',
  'upstream calls made by refused ones': 'sum',
  'random requests': 'sum',
  'random requests answered otherwise than declared': 'sum',
  'interleavings tried': 'sum',
  'invariant breaks': 'sum',
  'logouts that ended nothing': 'sum',
  'places held by strangers': 'sum',
  'spellings accepted (of one number, at the most)': 'max',
  'mutations tried': 'sum',
  'mutations caught': 'sum',
  'faults tried': 'sum',
  'faults survived': 'sum',
  'worst time to 503 (ms)': 'max',
} as const;

export type Row = keyof typeof ROWS;

/** In the folder of the package, where npm runs its scripts. */
export const FIGURES = resolve('artifacts/hostile.jsonl');

/**
 * Notes what a suite counted, for the table. Suites run in processes of their own, so the notes
 * meet in a file.
 */
export function addToSummary(figures: Partial<Record<Row, number>>): void {
  mkdirSync(resolve(FIGURES, '..'), { recursive: true });
  appendFileSync(FIGURES, `${JSON.stringify(figures)}\n`);
}
