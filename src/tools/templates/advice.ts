import type { LoginError } from '../../core/errors.js';

/** What to do about the errors that Vonage names (Verify v2 reference, "Errors"). */
const BY_NAME = new Map(
  Object.entries({
    forbidden:
      'This Vonage account may read templates but not write them. Ask Vonage support to enable custom template management for it.',
    'max-templates':
      'The account has its ten templates already. Remove one, or let --prune remove those that are not in the file.',
    'template-exists': 'A template of this name was created meanwhile. Run the command again.',
    'fragment-exists': 'A text for this channel and locale was created meanwhile. Run the command again.',
    'not-empty-template': 'A text was added to the template meanwhile. Run the command again.',
    'template-not-found': 'The template has been removed meanwhile. Run the command again.',
    'template-fragment-not-found': 'The text has been removed meanwhile. Run the command again.',
    'low-balance': "The account's balance is too low.",
    'jwt-expired': "Vonage takes the credentials as expired. Check this machine's clock.",
  }),
);

const BY_STATUS = new Map([
  [
    401,
    "Vonage does not accept the credentials. Check that VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY belong together, and this machine's clock.",
  ],
  [402, "The account's balance is too low."],
  [
    403,
    'Vonage forbids this. Ask Vonage support whether custom template management is enabled for the account.',
  ],
  [404, 'There are no templates at this address. Check VONAGE_VERIFY_HOST or VONAGE_BASE_URL.'],
]);

/** What the user can do about an error, and the reference that Vonage's support asks for. */
export function advise({ code, fields, upstream }: LoginError, host: string): string {
  const { status, error = '', instance } = upstream ?? {};
  if (status === undefined) return unanswered(code, error, host);
  const reference = `(${[`HTTP ${status}`, error, instance && `instance ${instance}`].filter(Boolean).join(', ')})`;
  const words =
    BY_NAME.get(error) ??
    (status === 422 ? refused(fields.errors) : undefined) ??
    (status === 429
      ? `Vonage asks for a pause of ${fields.retry_after ?? 1} s. Run the command again then.`
      : undefined) ??
    BY_STATUS.get(status) ??
    'Vonage returned an unusable answer. Run the command again later.';
  return `${words} ${reference}`;
}

function refused(errors: LoginError['fields']['errors'] = []): string {
  const each = errors.map(({ field, message }) => `\n  - ${field}: ${message}`).join('');
  return `Vonage does not accept what was sent.${each}${each ? '\n' : ''}`;
}

function unanswered(code: LoginError['code'], error: string, host: string): string {
  if (code === 'upstream_timeout') return `${host} did not answer in time. Run the command again.`;
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(host).hostname);
  const hint = local ? ' Is the sandbox running (silent-auth sandbox)?' : '';
  return `No answer came from ${host}${error ? ` (${error})` : ''}.${hint}`;
}
