import type { KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../core/keys.js';
import type { Reader } from './reader.js';

export interface AssertionSettings {
  /** P-256. The first signs, all are published. */
  keys: readonly KeyObject[];
  /** The services that may be told who is logged in; the first is the one meant where none is named. */
  audiences: readonly string[];
  /** Makes `sub` of a number. */
  subjectSecret: string;
  /** Whether the number itself is told as well. */
  withPhoneNumber: boolean;
}

type SettingsReader = Pick<Reader, 'get' | 'list' | 'oneOf' | 'fail'>;

/** Reads the settings of assertions. @returns nothing where no key is set: then there are no assertions */
export function readAssertions({ get, list, oneOf, fail }: SettingsReader): AssertionSettings | undefined {
  const keys = list('ASSERTION_KEYS').map((text) => readSigningKey(text, fail));
  const audiences = list('ASSERTION_AUDIENCE');
  const subjectSecret = get('ASSERTION_SUBJECT_SECRET');
  const withPhoneNumber = oneOf('ASSERTION_PHONE_NUMBER', ['true', 'false'], 'false') === 'true';
  if (keys.length === 0) {
    if (audiences.length > 0 || subjectSecret !== undefined || withPhoneNumber)
      fail(
        'ASSERTION_KEYS is missing: without a key nothing is signed, and the other ASSERTION_… mean nothing.',
      );
    return undefined;
  }
  if (audiences.length === 0) {
    fail(
      'ASSERTION_AUDIENCE is missing: the names of the services that assertions are for, like https://api.example.com.',
    );
  }
  for (const audience of audiences) {
    if (!isAudience(audience))
      fail(
        `ASSERTION_AUDIENCE: "${audience}" is neither a URI nor a word of at most 255 characters without ":".`,
      );
  }
  if ((subjectSecret?.length ?? 0) < 32) {
    fail(
      'ASSERTION_SUBJECT_SECRET must have at least 32 characters: set it once to what `openssl rand -base64 32` prints, and never change it.',
    );
  }
  const usable = keys.filter((key) => key !== undefined);
  return { keys: usable, audiences, subjectSecret: subjectSecret ?? '', withPhoneNumber };
}

function readSigningKey(text: string, fail: SettingsReader['fail']): KeyObject | undefined {
  const key = parsePrivateKey(text, 'ES256');
  if (typeof key !== 'string') return key;
  fail(`ASSERTION_KEYS: one of the keys ${key}`);
  return undefined;
}

/** A StringOrURI (RFC 7519 section 2): what has a colon in it is a URI. */
const isAudience = (text: string): boolean =>
  /^[\x21-\x7e]{1,255}$/.test(text) && (!text.includes(':') || URL.canParse(text));
