/** What `fetch` of Node says, whatever happened: before an answer, and in the middle of one. Its cause says more. */
const EMPTY_WORDS = ['fetch failed', 'terminated'];

/**
 * What an error says for itself. Node tries all addresses of a host, and puts what went wrong with each into an error without
 * words, but with a code.
 */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message, name } = error;
  if (EMPTY_WORDS.includes(message) && cause !== undefined) return wordsOf(cause);
  return message || ((error as NodeJS.ErrnoException).code ?? name);
}
