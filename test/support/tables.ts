import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The rows of the table with this head in a page of `docs`, without the backticks around cells that
 * hold nothing else.
 */
export function rowsOf(page: string, head: string): string[][] {
  const text = readFileSync(join(__dirname, '../../docs', page), 'utf8');
  const [, table = ''] = text.split(`\n| ${head} |\n`);
  const lines = table.split('\n').slice(1);
  const rows = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('| ')),
  );
  if (rows.length === 0) throw new Error(`docs/${page} has no table with the head ${head}`);
  return rows.map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replace(/^`([^`]+)`$/, '$1')),
  );
}
