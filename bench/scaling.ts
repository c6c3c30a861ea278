import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FIGURES } from './figures.js';
import { putTables } from './document.js';
import { tablesOf } from './scaling-tables.js';

/**
 * `npm run bench -- scaling [--write]`: prints the tables of docs/scaling.md, or writes them into
 * it.
 */
const { values: options } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const document = new URL('../docs/scaling.md', import.meta.url);

const tables = await tablesOf(FIGURES);
if (options.write) writeFileSync(document, putTables(readFileSync(document, 'utf8'), tables));
else for (const [name, text] of Object.entries(tables)) console.log(`${name}\n\n${text}\n`);
