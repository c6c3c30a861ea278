import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { countOf, testsOf } from './support/named-tests.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const page = read('docs/security.md');

/** The rows of the tables that name tests. */
const rows = page
  .split(/^## What binding cannot stop$/m, 1)
  .join()
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'))
  .map((line) => line.split(' | '));

const named = rows.flatMap(([, , cell = '']) => testsOf(cell));

test('every threat has a rule and a test', () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const [threat, rule, cell = ''] of rows) {
    expect([threat, rule !== '' && testsOf(cell).length > 0]).toEqual([threat, true]);
  }
});

test.each(named)('$file has the test "$title"', (each) => {
  expect(countOf(each)).toBeGreaterThan(0);
});

test.each([
  ...['docs/security.md', 'docs/hooks.md', 'docs/operating.md', 'docs/assertions.md', 'docs/mounting.md'],
  ...['docs/verify.md', 'docs/conformance.md', 'SECURITY.md'],
])('%s has no broken link', (file) => {
  const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  expect(links.length).toBeGreaterThan(0);
  for (const [, target = '', anchor] of links) {
    const path = target === '' ? file : join(file, '..', target);
    expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    if (anchor === undefined) continue;
    const anchors = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    );
    expect(anchors).toContain(anchor);
  }
});
