import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * Reads an RSA private key in any of the forms people keep one in: PEM, PEM with `\n` written out (as in .env files),
 * base64 of a PEM (as in CI secrets), or the path of a file.
 * @returns the key, or what is wrong with the text, without repeating any of it
 */
export function parsePrivateKey(text: string): KeyObject | string {
  const pem = asPem(text);
  if (pem === undefined) return 'is neither PEM, nor base64 of a PEM, nor a file that can be read.';
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'rsa') return 'must be an RSA key.';
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : 'must have at least 2048 bits.';
  } catch {
    return 'looks like a PEM, but holds no private key that can be read.';
  }
}

function asPem(text: string): string | undefined {
  const isPem = (candidate: string) => candidate.trimStart().startsWith('-----BEGIN');
  if (isPem(text)) return text.replaceAll('\\n', '\n');
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  if (isPem(decoded)) return decoded;
  try {
    const content = readFileSync(text, 'utf8');
    return isPem(content) ? content : undefined;
  } catch {
    return undefined;
  }
}
