/** Something a person has to mend first; the message says what, and how. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

export const listed = (heading: string, items: readonly string[]): string =>
  [heading, ...items.map((item) => `  - ${item}`)].join('\n');

/** What an error says for itself, without the name of its class. */
export const wordsOf = (error: unknown): string => String(error).replace(/^(?:[A-Za-z]*Error): /, '');
