const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';

/** What opens something to whoever has it. Each pattern has two groups: what stays, and the secret. */
const SECRETS = [
  // Values of queries and fragments.
  /([?&#][\w.-]+=)([^&#\s"]{9,})/g,
  // A code, which may be as short as an SMS has it.
  /("(?:code|code_verifier)": ?")([^"]+)/g,
  // The path of a link: Verify names its request there.
  new RegExp(`(/)(${UUID})`, 'g'),
  // Whatever else looks like random bits, other than the ids that stand in logs.
  new RegExp(`(?<![\\w-])()(?!${UUID})((?=[\\w-]*\\d)[\\w-]{24,})`, 'g'),
];

const COOKIES = /^(?:[<>] )?(?:set-)?cookie:/i;

/** A line to show to somebody, with its secrets cut short. */
export const withoutSecrets = (line: string): string =>
  (COOKIES.test(line) ? [/(=)([^;\s]{9,})/g] : SECRETS).reduce(
    (text, pattern) =>
      text.replace(
        pattern,
        (_, before: string, secret: string) => `${before}${secret.length > 8 ? secret.slice(0, 4) : ''}…`,
      ),
    line,
  );
