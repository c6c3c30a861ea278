import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

export interface NamedTest {
  file: string;
  title: string;
}

/**
 * The tests that a cell of a table names, each with its file, which stands once before its tests.
 * @throws Error if the cell has quotes that belong to no test
 */
export function testsOf(cell: string): NamedTest[] {
  const named = [...cell.matchAll(/`([^`]+)`: ("[^"]+"(?:; "[^"]+")*)/g)].flatMap(
    ([, file = '', titles = '']) =>
      [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title })),
  );
  const quotes = [...cell.matchAll(/"/g)].length;
  if (quotes !== named.length * 2) throw new Error(`not all quotes are names of tests: ${cell}`);
  return named;
}

/** How many tests of the file have this title, as it stands there. */
export function countOf({ file, title }: NamedTest): number {
  if (!/^test\/[\w/-]+(?:\.test)?\.ts$/.test(file) || !existsSync(join(root, file))) return 0;
  const literal = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const calls = new RegExp(`(?:\\b(?:test|it)|\\))\\(\\s*(['"\`])${literal}\\1,`, 'g');
  return [...readFileSync(join(root, file), 'utf8').matchAll(calls)].length;
}
