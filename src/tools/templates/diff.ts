import type { Change, Plan } from './plan.js';

/** A text on one line. JSON's quotes show line ends, and disarm what a terminal would take as a command. */
const quoted = (text: string): string => JSON.stringify(text);

/** One change, as lines of a diff. */
export function describe(change: Change): string[] {
  const name = change.template;
  switch (change.kind) {
    case 'add-template':
      return [`+ template ${name}${change.isDefault === true ? ' (default)' : ''}`];
    case 'add-fragment':
      return [`+   ${name} ${change.channel} ${change.locale}: ${quoted(change.text)}`];
    case 'rewrite-fragment':
      return [
        `~   ${name} ${change.channel} ${change.locale}:`,
        `      - ${quoted(change.before)}`,
        `      + ${quoted(change.text)}`,
      ];
    case 'set-default':
      // Of a new template this has been said already.
      if (change.isNew) return [];
      return [`~ template ${name}: ${change.isDefault ? 'becomes' : 'is no longer'} the default`];
    case 'remove-fragment':
      return [`-   ${name} ${change.channel} ${change.locale}: ${quoted(change.text)}`];
    case 'remove-template':
      return [`- template ${name}`];
  }
}

/** What the account has beyond the file. */
export const describeRest = (leftAlone: Plan['leftAlone']): string[] =>
  leftAlone.map((each) => `  left alone: ${each}`);

/** How much it is, in one line; the lines of the diff are counted, so that both say the same. */
export function summary(changes: readonly Change[]): string {
  const seen = changes.filter((change) => describe(change).length > 0);
  if (changes.length === 0) return 'Nothing to do: the account is as the file says.';
  const count = (verb: RegExp): number => seen.filter(({ kind }) => verb.test(kind)).length;
  return `${count(/^add/)} to add, ${count(/^(?:rewrite|set)/)} to change, ${count(/^remove/)} to remove.`;
}
