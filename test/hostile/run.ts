import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { FIGURES, ROWS, type Row } from './summary.js';

/**
 * Runs all hostile suites, prints their counts, and exits with the status of Jest. `--games=<n>` and
 * `--orders=<n>` say how much the adversary plays; other arguments are for Jest.
 */
rmSync(FIGURES, { force: true });
const OWN = /^--(games|orders)=([1-9][0-9]*)$/;
const chosen = process.argv.slice(2).flatMap((argument) => {
  const [, name, value] = OWN.exec(argument) ?? [];
  return name === undefined ? [] : [[`ADVERSARY_${name.toUpperCase()}`, value]];
});
const others = process.argv.slice(2).filter((argument) => !OWN.test(argument));
const jest = ['node_modules/jest/bin/jest.js', '--testPathPatterns', 'test/hostile/'];
const everything = ['--testPathIgnorePatterns', '/node_modules/'];
const { status } = spawnSync(process.execPath, [...jest, ...everything, ...others], {
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
