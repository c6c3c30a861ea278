import { readFileSync, writeFileSync } from 'node:fs';
import type { Surroundings } from '../terminal.js';
import type { Templates } from '../../vonage/templates.js';
import { describe, describeRest, summary } from './diff.js';
import { formatTemplates, parseTemplates, problemsOf, type TemplatesFile } from './file.js';
import { makePlan } from './plan.js';
import { applyChanges, asFile, readAccount, type Known } from './account.js';
import { Unusable, listed, wordsOf } from './unusable.js';

/** As with diff: all is well, there is a difference (`plan --check` alone says so), it did not work. */
export type ExitCode = 0 | 1 | 2;

export interface Options {
  file: string;
  prune: boolean;
  check: boolean;
}

type Outlets = Pick<Surroundings, 'out' | 'err'>;

type Command = (templates: Templates, options: Options, outlets: Outlets) => Promise<ExitCode>;

const plan: Command = async (templates, { file, prune, check }, { out }) => {
  const wanted = readWanted(file);
  const { known, changes, leftAlone } = await compare(wanted, templates, prune);
  [...changes.flatMap(describe), ...describeRest(leftAlone), summary(changes)].forEach(out);
  sayIds(wanted, known, out);
  return check && changes.length > 0 ? 1 : 0;
};

const apply: Command = async (templates, { file, prune }, { out, err }) => {
  const wanted = readWanted(file);
  const { known, changes, leftAlone } = await compare(wanted, templates, prune);
  let made = 0;
  try {
    await applyChanges(changes, known, templates, (change) => {
      made += 1;
      describe(change).forEach(out);
    });
  } catch (error) {
    err(`Stopped after ${made} of ${changes.length} changes. Those are made; apply goes on from there.`);
    throw error;
  }
  [...describeRest(leftAlone), summary(changes)].forEach(out);
  sayIds(wanted, known, out);
  return 0;
};

const pull: Command = async (templates, { file }, { out, err }) => {
  const { file: pulled, leftOut } = asFile(await readAccount(templates));
  if (pulled.templates.length === 0) {
    out(`The account has no templates; ${file} is left as it is.`);
    return 0;
  }
  try {
    writeFileSync(file, formatTemplates(pulled));
  } catch (error) {
    throw new Unusable(`${file} cannot be written: ${wordsOf(error)}`);
  }
  out(`${file} written: ${pulled.templates.map(({ name }) => name).join(', ')}.`);
  if (leftOut.length > 0) err(listed('The file cannot describe these:', leftOut));
  const problems = problemsOf(pulled);
  if (problems.length > 0) err(listed(`${file} is what the account has; apply would not take it:`, problems));
  return 0;
};

export const COMMANDS = { plan, apply, pull };

function readWanted(file: string): TemplatesFile {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Unusable(`${file} cannot be read: ${wordsOf(error)}`);
  }
  const wanted = parseTemplates(text);
  if ('problems' in wanted) throw new Unusable(listed(`${file} cannot be used:`, wanted.problems));
  return wanted;
}

async function compare(wanted: TemplatesFile, templates: Templates, prune: boolean) {
  const actual = await readAccount(templates);
  const known: Known = new Map(actual.map(({ name, id, isDefault }) => [name, { id, isDefault }]));
  return { known, ...makePlan(wanted, actual, { prune }) };
}

/** The ids are Vonage's, and what a request names a template by. */
function sayIds({ templates }: TemplatesFile, known: Known, out: Outlets['out']): void {
  const lines = templates.flatMap(({ name }) => {
    const id = known.get(name)?.id;
    return id === undefined ? [] : [`  ${name}  ${id}`];
  });
  if (lines.length > 0) ['For TEMPLATE_ID:', ...lines].forEach(out);
}
