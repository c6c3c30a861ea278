import type { Fragment, Template } from '../../vonage/templates.js';
import { CHANNELS, MOST_TEMPLATES, type TemplatesFile, type WantedTemplate } from './file.js';

/** A template of the account, with all it says. */
export interface ActualTemplate extends Template {
  fragments: readonly Fragment[];
}

/** Where a change happens: a template by its name, which is also its key in the file. */
interface Words {
  template: string;
  channel: string;
  locale: string;
  text: string;
}

export type Change =
  | { kind: 'add-template'; template: string; isDefault: boolean | undefined }
  | ({ kind: 'add-fragment' } & Words)
  | ({ kind: 'rewrite-fragment'; fragmentId: string; before: string } & Words)
  | { kind: 'set-default'; template: string; isDefault: boolean; isNew: boolean }
  | ({ kind: 'remove-fragment'; fragmentId: string } & Words)
  | { kind: 'remove-template'; template: string };

export interface Plan {
  /** In the order they are to be made. */
  changes: readonly Change[];
  /** What the account has beyond the file, and why it stays. */
  leftAlone: readonly string[];
}

const sameWords = (one: { channel: string; locale: string }, other: { channel: string; locale: string }) =>
  one.channel === other.channel && one.locale.toLowerCase() === other.locale.toLowerCase();

/**
 * What has to change for the account to be as the file says. Nothing that is in use goes before its successor is there:
 * first what is new, then the texts, then the default, and last what is to be removed. Only an account without room has
 * to give up templates first.
 * @param prune whether what is not in the file goes; otherwise it is left alone
 */
export function makePlan(
  { templates: wanted }: TemplatesFile,
  actual: readonly ActualTemplate[],
  { prune }: { prune: boolean },
): Plan {
  const pairs = wanted.map((template) => ({
    template,
    found: actual.find((each) => each.name === template.name),
  }));
  const extra = actual.filter(({ name }) => !wanted.some((template) => template.name === name));
  const movesDefault = wanted.some(({ is_default }) => is_default === true);
  const stays = (template: ActualTemplate) => reasonToKeepTemplate(template, prune, movesDefault);
  const gone = extra.filter((template) => stays(template) === undefined);

  const additions = pairs.flatMap(({ template, found }) => addTo(template, found));
  const added = pairs.filter(({ found }) => found === undefined).length;
  const crowded = actual.length + added > MOST_TEMPLATES;
  const early = gone.filter(({ isDefault }) => crowded && !isDefault);
  const late = gone.filter((template) => !early.includes(template));

  const defaults = (isDefault: boolean) =>
    pairs.flatMap(({ template, found }) =>
      template.is_default === isDefault ? setDefault(template, found) : [],
    );

  const extraWords = pairs.flatMap(({ template, found }) => surplus(template, found));
  const goneWords = extraWords.filter((words) => reasonToKeepFragment(words, prune) === undefined);
  return {
    changes: [
      ...early.flatMap(removeTemplate),
      ...additions,
      ...pairs.flatMap(({ template, found }) => rewrite(template, found)),
      ...defaults(true),
      ...defaults(false),
      ...goneWords.map((words): Change => ({ kind: 'remove-fragment', ...words })),
      ...late.flatMap(removeTemplate),
    ],
    leftAlone: [
      ...extra.flatMap((each) => saying(`template ${each.name}`, stays(each))),
      ...extraWords.flatMap((words) =>
        saying(`${words.template} ${words.channel} ${words.locale}`, reasonToKeepFragment(words, prune)),
      ),
    ],
  };
}

const saying = (what: string, reason: string | undefined): string[] =>
  reason === undefined ? [] : [`${what} (${reason})`];

const NOT_IN_FILE = 'not in the file; --prune removes it';
const OTHER_CHANNEL = 'a channel that the file cannot describe';

/** The default is what requests fall back to: it goes only when the file says which template takes its place. */
function reasonToKeepTemplate(
  template: ActualTemplate,
  prune: boolean,
  movesDefault: boolean,
): string | undefined {
  if (!prune) return NOT_IN_FILE;
  if (template.isDefault && !movesDefault) return 'the default of the account; the file names no other';
  if (template.fragments.some(({ channel }) => !CHANNELS.includes(channel))) return OTHER_CHANNEL;
  return undefined;
}

function reasonToKeepFragment({ channel }: Words, prune: boolean): string | undefined {
  if (!CHANNELS.includes(channel)) return OTHER_CHANNEL;
  return prune ? undefined : NOT_IN_FILE;
}

function addTo({ name: template, is_default, fragments }: WantedTemplate, found?: ActualTemplate): Change[] {
  const missing = fragments.filter((words) => !found?.fragments.some((each) => sameWords(each, words)));
  return [
    ...(found ? [] : [{ kind: 'add-template' as const, template, isDefault: is_default }]),
    ...missing.map((words): Change => ({ kind: 'add-fragment', template, ...words })),
  ];
}

const rewrite = ({ name: template, fragments }: WantedTemplate, found?: ActualTemplate): Change[] =>
  fragments.flatMap((words): Change[] => {
    const there = found?.fragments.find((each) => sameWords(each, words));
    if (there === undefined || there.text === words.text) return [];
    return [{ kind: 'rewrite-fragment', template, fragmentId: there.id, before: there.text, ...words }];
  });

/** A new template is looked at again once it is there: Vonage makes the first one the default by itself. */
function setDefault({ name: template, is_default }: WantedTemplate, found?: ActualTemplate): Change[] {
  if (is_default === undefined || found?.isDefault === is_default) return [];
  return [{ kind: 'set-default', template, isDefault: is_default, isNew: found === undefined }];
}

const surplus = ({ name: template, fragments }: WantedTemplate, found?: ActualTemplate) =>
  (found?.fragments ?? [])
    .filter((each) => !fragments.some((words) => sameWords(each, words)))
    .map(({ id: fragmentId, ...words }) => ({ template, fragmentId, ...words }));

/** Vonage removes only empty templates. */
const removeTemplate = ({ name: template, fragments }: ActualTemplate): Change[] => [
  ...fragments.map(({ id: fragmentId, ...words }): Change => ({
    kind: 'remove-fragment',
    template,
    fragmentId,
    ...words,
  })),
  { kind: 'remove-template', template },
];
