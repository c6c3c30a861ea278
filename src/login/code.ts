import { createHash, timingSafeEqual } from 'node:crypto';
import { LoginError } from '../errors.js';

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
