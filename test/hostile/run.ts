import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { FIGURES, ROWS, type Row } from './summary.js';

/**
 * `npm run test:hostile -- [name...] [--games=<n>] [--orders=<n>]`
 *
 * Runs the hostile suites whose names contain one of these, or all, prints their counts, and exits
 * with the status of Jest. `--games` and `--orders` say how much the adversary plays; other options
 * are for Jest.
 */
rmSync(FIGURES, { force: true });
const OWN = /^--(games|orders)=([1-9][0-9]*)$/;
const chosen = process.argv.slice(2).flatMap((argument) => {
  const [, name, value] = OWN.exec(argument) ?? [];
  return name === undefined ? [] : [[`ADVERSARY_${name.toUpperCase()}`, value]];
});
const others = process.argv.slice(2).filter((argument) => !OWN.test(argument));
const options = others.filter((argument) => argument.startsWith('-'));
const names = others.filter((argument) => !argument.startsWith('-'));
const suites = `test/hostile/.*(?:${names.join('|')})`;
const jest = ['node_modules/jest/bin/jest.js', '--testPathPatterns', suites];
const everything = ['--testPathIgnorePatterns', '/node_modules/'];
const { status } = spawnSync(process.execPath, [...jest, ...everything, ...options], {
  stdio: 'inherit',
  env: { ...process.env, ...(Object.fromEntries(chosen) as NodeJS.ProcessEnv) },
});

const lines = existsSync(FIGURES) ? readFileSync(FIGURES, 'utf8').trim().split('\n') : [];
const figures = lines.map((line) => JSON.parse(line) as Partial<Record<Row, number>>);
for (const [row, how] of Object.entries(ROWS) as [Row, 'sum' | 'max'][]) {
  const values = figures.flatMap((each) => each[row] ?? []);
  const total = how === 'sum' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
  console.log(`${row.padEnd(50)}${values.length > 0 ? String(Math.round(total)).padStart(8) : '       –'}`);
}
process.exitCode = status ?? 1;
