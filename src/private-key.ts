import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readPem } from './pem.js';

/**
 * Reads an RSA private key in any of the forms of {@link readPem}.
 * @returns the key, or what is wrong with the text, without repeating any of it
 */
export function parsePrivateKey(text: string): KeyObject | string {
  const pem = readPem(text);
  if (pem === undefined) return 'is neither PEM, nor base64 of a PEM, nor a file that can be read.';
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'rsa') return 'must be an RSA key.';
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : 'must have at least 2048 bits.';
  } catch {
    return 'looks like a PEM, but holds no private key that can be read.';
  }
}
