import type { Templates } from './api.js';
import { CHANNELS, type TemplatesFile } from './file.js';
import type { ActualTemplate, Change } from './plan.js';

/** Reads the account. The calls are sequential, since Vonage limits concurrent ones. */
export async function readAccount(templates: Templates): Promise<ActualTemplate[]> {
  const actual: ActualTemplate[] = [];
  for (const template of await templates.list()) {
    actual.push({ ...template, fragments: await templates.fragments.list(template.id) });
  }
  return actual;
}

/** The templates of the account, by name. */
export type TemplateIndex = Map<string, { id: string; isDefault: boolean }>;

/**
 * Makes the changes in their order, and stops at the first that fails. The next run plans from what
 * the account has by then.
 * @param known new templates are added to it
 * @param done called with each change once Vonage has confirmed it
 */
export async function applyChanges(
  changes: readonly Change[],
  { known, templates }: { known: TemplateIndex; templates: Templates },
  done: (change: Change) => void,
): Promise<void> {
  for (const change of changes) {
    await applyChange(change, known, templates);
    done(change);
  }
}

async function applyChange(change: Change, known: TemplateIndex, templates: Templates): Promise<void> {
  if (change.kind === 'add-template') {
    const { id, isDefault } = await templates.create(change.template);
    known.set(change.template, { id, isDefault });
    return;
  }
  const template = known.get(change.template);
  if (template === undefined) throw new Error(`The plan changes ${change.template} before it is there.`);
  switch (change.kind) {
    case 'add-fragment':
      await templates.fragments.create(template.id, change);
      break;
    case 'rewrite-fragment':
      await templates.fragments.update(template.id, change.fragmentId, change.text);
      break;
    case 'set-default':
      if (template.isDefault !== change.isDefault) {
        await templates.update(template.id, { isDefault: change.isDefault });
      }
      break;
    case 'remove-fragment':
      await templates.fragments.remove(template.id, change.fragmentId);
      break;
    case 'remove-template':
      await templates.remove(template.id);
      break;
  }
}

/** The account as a file. `leftOut` names what a file cannot describe. */
export function asFile(actual: readonly ActualTemplate[]): { file: TemplatesFile; leftOut: string[] } {
  const isKnown = ({ channel }: { channel: string }): boolean => CHANNELS.includes(channel);
  const templates = actual.map(({ name, isDefault, fragments }) => ({
    name,
    ...(isDefault && { is_default: true }),
    fragments: fragments
      .filter(isKnown)
      .map(({ channel, locale, text }) => ({ channel, locale: locale.toLowerCase(), text })),
  }));
  const leftOut = actual.flatMap(({ name, fragments }) =>
    fragments.filter((each) => !isKnown(each)).map(({ channel, locale }) => `${name} ${channel} ${locale}`),
  );
  return { file: { templates }, leftOut };
}
