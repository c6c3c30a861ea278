import type { Fragment, Template } from './api.js';
import { CHANNELS, MOST_TEMPLATES, type TemplatesFile, type WantedTemplate } from './file.js';

/** A template of the account, with its fragments. */
export interface ActualTemplate extends Template {
  fragments: readonly Fragment[];
}

/** A fragment, by the name of its template, which is also the template's key in the file. */
interface FragmentOf {
  template: string;
  channel: string;
  locale: string;
  text: string;
}

export type Change =
  | { kind: 'add-template'; template: string; isDefault: boolean | undefined }
  | ({ kind: 'add-fragment' } & FragmentOf)
  | ({ kind: 'rewrite-fragment'; fragmentId: string; before: string } & FragmentOf)
  | { kind: 'set-default'; template: string; isDefault: boolean; isNew: boolean }
  | ({ kind: 'remove-fragment'; fragmentId: string } & FragmentOf)
  | { kind: 'remove-template'; template: string };

export interface Plan {
  /** In the order in which they are made. */
  changes: readonly Change[];
  /** What the account has beyond the file, and why it stays. */
  leftAlone: readonly string[];
}

const sameKey = (one: { channel: string; locale: string }, other: { channel: string; locale: string }) =>
  one.channel === other.channel && one.locale.toLowerCase() === other.locale.toLowerCase();

/**
 * What has to change for the account to be as the file says. Nothing that is in use is removed
 * before its successor exists: new templates and texts come first, then changed texts, then the
 * default, and removals last. An account without room for the new templates loses others first.
 * @param prune whether what is not in the file is removed; otherwise it is left alone
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

  const extraFragments = pairs.flatMap(({ template, found }) => surplus(template, found));
  const removedFragments = extraFragments.filter(
    (fragment) => reasonToKeepFragment(fragment, prune) === undefined,
  );
  return {
    changes: [
      ...early.flatMap(removeTemplate),
      ...additions,
      ...pairs.flatMap(({ template, found }) => rewrite(template, found)),
      ...defaults(true),
      ...defaults(false),
      ...removedFragments.map((fragment): Change => ({ kind: 'remove-fragment', ...fragment })),
      ...late.flatMap(removeTemplate),
    ],
    leftAlone: [
      ...extra.flatMap((each) => leftAloneBecause(`template ${each.name}`, stays(each))),
      ...extraFragments.flatMap((fragment) =>
        leftAloneBecause(
          `${fragment.template} ${fragment.channel} ${fragment.locale}`,
          reasonToKeepFragment(fragment, prune),
        ),
      ),
    ],
  };
}

const leftAloneBecause = (what: string, reason: string | undefined): string[] =>
  reason === undefined ? [] : [`${what} (${reason})`];

const NOT_IN_FILE = 'not in the file; --prune removes it';
const OTHER_CHANNEL = 'a channel that the file cannot describe';

/** Requests fall back to the default: it is removed only when the file names another. */
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

function reasonToKeepFragment({ channel }: FragmentOf, prune: boolean): string | undefined {
  if (!CHANNELS.includes(channel)) return OTHER_CHANNEL;
  return prune ? undefined : NOT_IN_FILE;
}

function addTo({ name: template, is_default, fragments }: WantedTemplate, found?: ActualTemplate): Change[] {
  const missing = fragments.filter((fragment) => !found?.fragments.some((each) => sameKey(each, fragment)));
  return [
    ...(found ? [] : [{ kind: 'add-template' as const, template, isDefault: is_default }]),
    ...missing.map((fragment): Change => ({ kind: 'add-fragment', template, ...fragment })),
  ];
}

const rewrite = ({ name: template, fragments }: WantedTemplate, found?: ActualTemplate): Change[] =>
  fragments.flatMap((fragment): Change[] => {
    const there = found?.fragments.find((each) => sameKey(each, fragment));
    if (there === undefined || there.text === fragment.text) return [];
    return [{ kind: 'rewrite-fragment', template, fragmentId: there.id, before: there.text, ...fragment }];
  });

/** Also for a new template: Vonage makes the first one the default by itself. */
function setDefault({ name: template, is_default }: WantedTemplate, found?: ActualTemplate): Change[] {
  if (is_default === undefined || found?.isDefault === is_default) return [];
  return [{ kind: 'set-default', template, isDefault: is_default, isNew: found === undefined }];
}

const surplus = ({ name: template, fragments }: WantedTemplate, found?: ActualTemplate) =>
  (found?.fragments ?? [])
    .filter((each) => !fragments.some((fragment) => sameKey(each, fragment)))
    .map(({ id: fragmentId, ...fragment }) => ({ template, fragmentId, ...fragment }));

/** Vonage removes only empty templates. */
const removeTemplate = ({ name: template, fragments }: ActualTemplate): Change[] => [
  ...fragments.map(({ id: fragmentId, ...fragment }): Change => ({
    kind: 'remove-fragment',
    template,
    fragmentId,
    ...fragment,
  })),
  { kind: 'remove-template', template },
];
