import { createHash, timingSafeEqual } from 'node:crypto';
import { LoginError } from '../errors.js';
import { CODE_LENGTH } from './otp.js';

/** How a code came: a device was given it, or the user received it in a message and typed it. */
export type CodeKind = 'silent' | 'typed';

const TYPED = new RegExp(`^[0-9]{${CODE_LENGTH}}$`);

/**
 * What a device is given: 43 characters of base64url by us, letters and digits by Vonage. Digits
 * with punctuation are not accepted: a server that ignores the punctuation would read a typed code.
 */
const SILENT = /^(?:[0-9]{4,200}|(?=.*[A-Za-z])[A-Za-z0-9._~-]{4,200})$/;

/**
 * The kind of a code. Its form alone decides: no clock and no webhook turns the code of a device
 * into a typed one, or a typed one into the code of a device.
 * @returns undefined for what neither a message nor a device brings
 */
export function kindOf(code: string): CodeKind | undefined {
  if (TYPED.test(code)) return 'typed';
  return SILENT.test(code) ? 'silent' : undefined;
}

/** One answer for wrong, used, foreign and unknown codes: whoever guesses learns nothing. */
export const invalidCode = (): LoginError =>
  new LoginError('invalid_code', 'The code is wrong, used, or not of this login.');

/** Whoever guesses is stopped, and told so: the login is known to be of this session. */
export const tooManyAttempts = (): LoginError =>
  new LoginError('too_many_attempts', 'A wrong code was sent too often. Begin again.');

/** PKCE with S256 (RFC 7636 section 4.6); a verifier without a challenge is refused, as OAuth 2.1 does. */
export function isAnsweredBy(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const answer = createHash('sha256').update(verifier).digest();
  return timingSafeEqual(answer, Buffer.from(challenge, 'base64url'));
}
