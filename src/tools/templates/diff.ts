import type { Change, Plan } from './plan.js';

/** A text on one line. JSON escapes line ends and the control characters of terminals. */
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
      // The line of a new template says it already.
      if (change.isNew) return [];
      return [`~ template ${name}: ${change.isDefault ? 'becomes' : 'is no longer'} the default`];
    case 'remove-fragment':
      return [`-   ${name} ${change.channel} ${change.locale}: ${quoted(change.text)}`];
    case 'remove-template':
      return [`- template ${name}`];
  }
}

/** Lines for what the account has beyond the file. */
export const describeRest = (leftAlone: Plan['leftAlone']): string[] =>
  leftAlone.map((each) => `  left alone: ${each}`);

/** The number of changes, in one line. Changes without a line in the diff are not counted. */
export function summary(changes: readonly Change[]): string {
  const seen = changes.filter((change) => describe(change).length > 0);
  if (changes.length === 0) return 'Nothing to do: the account is as the file says.';
  const count = (verb: RegExp): number => seen.filter(({ kind }) => verb.test(kind)).length;
  return `${count(/^add/)} to add, ${count(/^(?:rewrite|set)/)} to change, ${count(/^remove/)} to remove.`;
}
