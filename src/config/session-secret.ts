import { deflateRawSync } from 'node:zlib';
import type { Reader } from './reader.js';

const RANDOM = 'Set it to what `openssl rand -base64 32` prints.';

/** In base64url or hex at least 128 bits, which OWASP ASVS 7.2.3 asks of a session. */
const MIN_CHARACTERS = 32;

export function readSessionSecrets({ list, fail }: Reader): readonly string[] {
  const secrets = list('SESSION_SECRET');
  if (secrets.length === 0)
    fail(
      'SESSION_SECRET is missing: set it to what `openssl rand -base64 32` prints. Several, separated by commas, rotate.',
    );
  else if (secrets.some((secret) => secret.length < MIN_CHARACTERS))
    fail(`SESSION_SECRET: each secret must have at least ${MIN_CHARACTERS} characters. ${RANDOM}`);
  else if (secrets.some(isGuessable))
    fail(
      `SESSION_SECRET: a secret of repetitions, sequences or common words can be guessed: it must be random. ${RANDOM}`,
    );
  return secrets;
}

/**
 * The key of the routes for operators.
 * @returns undefined if it is not set: there are no such routes then
 */
export function readOperatorKey({ get, fail }: Reader): string | undefined {
  const key = get('OPERATOR_KEY');
  if (key === undefined) return undefined;
  if (get('METRICS_PORT') === undefined)
    fail('OPERATOR_KEY has no effect without METRICS_PORT, the port of the routes for operators.');
  if (!/^[!-~]+$/.test(key))
    fail(`OPERATOR_KEY must be visible ASCII characters, because it is sent in a header. ${RANDOM}`);
  else if (key.length < MIN_CHARACTERS)
    fail(`OPERATOR_KEY must have at least ${MIN_CHARACTERS} characters. ${RANDOM}`);
  else if (isGuessable(key)) fail(`OPERATOR_KEY can be guessed: it must be random. ${RANDOM}`);
  return key;
}

const DIGITS = '01234567890123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const BACKWARDS = '98765432109876543210zyxwvutsrqponmlkjihgfedcba';

const COMMON_PARTS = Buffer.from(
  (
    'the quick brown fox jumps over the lazy dog lorem ipsum dolor sit amet consectetur correct horse battery staple keyboard ' +
    'cat your own very long random strong secure string value replace insert with please development example default sample ' +
    'test testing demo local dummy placeholder todo private here password passw0rd passphrase token signing encryption cookie ' +
    'express letmein welcome admin root at least thirty two characters openssl rand base64 32 hex do not use this is insecure ' +
    'my super secret secretkey session key change me in production 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qwertyuiopasdfghjkl ' +
    `zxcvbnm1234567890 ${BACKWARDS} ${DIGITS} abcdef ${LETTERS}`
  ).replaceAll(' ', ''),
);

/**
 * With this dictionary, secrets that people make up deflate to at most 20 bytes. The shortest of
 * 300,000 random ones of 32 characters took 25, and each byte less is five times as rare.
 */
const MIN_DEFLATED_BYTES = 21;

function isGuessable(secret: string): boolean {
  const characters = Buffer.from(secret.toLowerCase().replace(/[-_. ]/g, ''));
  const forms = [characters, differencesOf(characters)];
  if (/^[\w+/-]+=*$/.test(secret)) {
    const decoded = Buffer.from(secret, /^[0-9a-f]+$/i.test(secret) ? 'hex' : 'base64');
    forms.push(hexOf(decoded), hexOf(differencesOf(decoded)));
  }
  return forms.some(
    (bytes) => deflateRawSync(bytes, { level: 9, dictionary: COMMON_PARTS }).length < MIN_DEFLATED_BYTES,
  );
}

/** The difference between each byte and the previous one: in 0011223344 and acegik it repeats. */
const differencesOf = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.map((byte, at) => byte - (bytes[at - 1] ?? 0)));

/**
 * Decoded secrets have too few bytes to judge how far they deflate; their hex digits are enough.
 */
const hexOf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('hex'));
