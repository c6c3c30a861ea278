import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readPem } from './pem.js';

/** What is wrong with a key that is to sign by an algorithm of JWA (RFC 7518 section 3), if anything is. */
const FAULT_OF = {
  RS256: ({ asymmetricKeyType, asymmetricKeyDetails }) => {
    if (asymmetricKeyType !== 'rsa') return 'must be an RSA key.';
    return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? undefined : 'must have at least 2048 bits.';
  },
  ES256: ({ asymmetricKeyDetails }) =>
    asymmetricKeyDetails?.namedCurve === 'prime256v1' ? undefined : 'must be a key of the curve P-256.',
} satisfies Record<string, (key: KeyObject) => string | undefined>;

/**
 * Reads a private key in any of the forms of {@link readPem}.
 * @returns the key, or what is wrong with the text, without repeating any of it
 */
export function parsePrivateKey(
  text: string,
  algorithm: keyof typeof FAULT_OF = 'RS256',
): KeyObject | string {
  const pem = readPem(text);
  if (pem === undefined) return 'is neither PEM, nor base64 of a PEM, nor a file that can be read.';
  try {
    const key = createPrivateKey(pem);
    return FAULT_OF[algorithm](key) ?? key;
  } catch {
    return 'looks like a PEM, but holds no private key that can be read.';
  }
}
