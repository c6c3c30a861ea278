import type { KeyObject } from 'node:crypto';
import type { Reader } from './reader.js';

const MIN_SUBJECT_SECRET_CHARACTERS = 32;

export type AssertionSettings = NonNullable<ReturnType<typeof readAssertions>>;

/** @returns undefined if no key is set: there are no assertions then */
export function readAssertions({ get, list, flag, fail, privateKey }: Reader) {
  const texts = list('ASSERTION_KEYS');
  const read = texts.map((text) => privateKey('ASSERTION_KEYS: one of the keys', text, 'ES256'));
  const audiences: readonly string[] = list('ASSERTION_AUDIENCE');
  const subjectSecret = get('ASSERTION_SUBJECT_SECRET') ?? '';
  const withPhoneNumber = flag('ASSERTION_PHONE_NUMBER', 'false');
  if (texts.length === 0) {
    if (audiences.length > 0 || subjectSecret !== '' || withPhoneNumber)
      fail('ASSERTION_KEYS is missing: without a key the other ASSERTION_… settings have no effect.');
    return undefined;
  }
  if (audiences.length === 0)
    fail(
      'ASSERTION_AUDIENCE is missing: the services that accept assertions, such as https://api.example.com.',
    );
  for (const audience of audiences.filter((each) => !isAudience(each)))
    fail(
      `ASSERTION_AUDIENCE: "${audience}" is neither a URI nor a name of at most 255 characters without ":".`,
    );
  if (subjectSecret.length < MIN_SUBJECT_SECRET_CHARACTERS)
    fail(
      'ASSERTION_SUBJECT_SECRET must have at least 32 characters: set it once to what `openssl rand -base64 32` prints, and never change it.',
    );
  const keys: readonly KeyObject[] = read.filter((key) => key !== undefined);
  return {
    /** P-256. The first one signs, all are published. */
    keys,
    /** The services that accept assertions. The first one is the default of a request. */
    audiences,
    /** The secret that `sub` is computed from. */
    subjectSecret,
    withPhoneNumber,
  };
}

/** A StringOrURI (RFC 7519 section 2): text with a colon has to be a URI. */
const isAudience = (text: string): boolean =>
  /^[\x21-\x7e]{1,255}$/.test(text) && (!text.includes(':') || URL.canParse(text));
