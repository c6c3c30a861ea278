import { readFileSync } from 'node:fs';
import { CommandError, listOf, messageOf, writeFile, type ExitCode, type Terminal } from '../command.js';
import type { Templates } from './api.js';
import { describe, describeRest, summary } from './diff.js';
import { formatTemplates, parseTemplates, problemsOf, usesHost, withHost, withoutHost } from './file.js';
import type { TemplatesFile } from './file.js';
import { makePlan } from './plan.js';
import { applyChanges, asFile, readAccount, type TemplateIndex } from './account.js';

interface Options {
  file: string;
  prune: boolean;
  check: boolean;
  /** The host of PUBLIC_URL, if that is set. */
  pageHost: string | undefined;
}

type Outputs = Pick<Terminal, 'out' | 'err'>;

/** Exits as `diff` does: 1 is a difference, which `plan --check` alone reports. */
type Action = (templates: Templates, options: Options, outputs: Outputs) => Promise<ExitCode>;

const plan: Action = async (templates, { prune, check, ...from }, { out }) => {
  const wanted = readWanted(from);
  const { known, changes, leftAlone } = await compare(wanted, templates, prune);
  [...changes.flatMap(describe), ...describeRest(leftAlone), summary(changes)].forEach(out);
  printIds(wanted, known, out);
  return check && changes.length > 0 ? 1 : 0;
};

const apply: Action = async (templates, { prune, ...from }, { out, err }) => {
  const wanted = readWanted(from);
  const { known, changes, leftAlone } = await compare(wanted, templates, prune);
  let made = 0;
  try {
    await applyChanges(changes, { known, templates }, (change) => {
      made += 1;
      describe(change).forEach(out);
    });
  } catch (error) {
    err(`Stopped after ${made} of ${changes.length} changes. Those are made; apply goes on from there.`);
    throw error;
  }
  [...describeRest(leftAlone), summary(changes)].forEach(out);
  printIds(wanted, known, out);
  return 0;
};

const pull: Action = async (templates, { file, pageHost }, { out, err }) => {
  const { file: found, leftOut } = asFile(await readAccount(templates));
  const pulled = pageHost === undefined ? found : withoutHost(found, pageHost);
  if (pulled.templates.length === 0) {
    out(`The account has no templates; ${file} is left as it is.`);
    return 0;
  }
  writeFile(file, formatTemplates(pulled));
  out(`${file} written: ${pulled.templates.map(({ name }) => name).join(', ')}.`);
  if (leftOut.length > 0) err(listOf('The file cannot describe these:', leftOut));
  const problems = problemsOf(pulled);
  if (problems.length > 0) err(listOf(`${file} is what the account has; apply would not take it:`, problems));
  return 0;
};

export const ACTIONS = { plan, apply, pull };

const NEEDS_PAGE_HOST =
  'has texts with ${host}, which is the host of PUBLIC_URL. Set PUBLIC_URL, or remove the last line of these texts.';

function readWanted({ file, pageHost }: Pick<Options, 'file' | 'pageHost'>): TemplatesFile {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${messageOf(error)}`);
  }
  const wanted = parseTemplates(text);
  if ('problems' in wanted) throw new CommandError(listOf(`${file} cannot be used:`, wanted.problems));
  if (!usesHost(wanted)) return wanted;
  if (pageHost === undefined) throw new CommandError(`${file} ${NEEDS_PAGE_HOST}`);
  return withHost(wanted, pageHost);
}

async function compare(wanted: TemplatesFile, templates: Templates, prune: boolean) {
  const actual = await readAccount(templates);
  const known: TemplateIndex = new Map(actual.map(({ name, id, isDefault }) => [name, { id, isDefault }]));
  return { known, ...makePlan(wanted, actual, { prune }) };
}

/** Prints the ids that Vonage gave the templates: the values of TEMPLATE_ID. */
function printIds({ templates }: TemplatesFile, known: TemplateIndex, out: Outputs['out']): void {
  const lines = templates.flatMap(({ name }) => {
    const id = known.get(name)?.id;
    return id === undefined ? [] : [`  ${name}  ${id}`];
  });
  if (lines.length > 0) ['For TEMPLATE_ID:', ...lines].forEach(out);
}
