import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ENCRYPTED, readPem, TRUNCATED, type PemPart } from './pem.js';

/** What is wrong with a key that is to sign by an algorithm of JWA (RFC 7518 section 3), if anything is. */
const FAULT_OF = {
  RS256: ({ asymmetricKeyType, asymmetricKeyDetails }) => {
    if (asymmetricKeyType !== 'rsa') return 'must be an RSA key.';
    return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? undefined : 'must have at least 2048 bits.';
  },
  ES256: ({ asymmetricKeyDetails }) =>
    asymmetricKeyDetails?.namedCurve === 'prime256v1' ? undefined : 'must be a key of the curve P-256.',
  any: () => undefined,
} satisfies Record<string, (key: KeyObject) => string | undefined>;

/**
 * Reads a private key in any of the forms of {@link readPem}: PKCS #8, PKCS #1 or SEC 1.
 * @returns the key, or what is wrong with the text, without repeating any of it
 */
export function parsePrivateKey(
  text: string,
  algorithm: keyof typeof FAULT_OF = 'RS256',
): KeyObject | string {
  const parts = readPem(text);
  if (typeof parts === 'string') return parts;
  const [part, another] = parts.filter(({ label }) => label.endsWith('PRIVATEKEY'));
  if (part === undefined) return `holds ${contentsOf(parts)}, and no private key.`;
  if (another !== undefined) return 'holds several private keys, and one is wanted.';
  const key = keyOf(part);
  return typeof key === 'string' ? key : (FAULT_OF[algorithm](key) ?? key);
}

/** What a PEM holds instead of a private key, by the end of its label. */
const CONTENTS = [
  { end: 'PUBLICKEY', words: 'a public key' },
  { end: 'CERTIFICATE', words: 'a certificate' },
  { end: 'REQUEST', words: 'a certificate request' },
  { end: 'PARAMETERS', words: 'the parameters of a key' },
];

const contentsOf = (parts: readonly PemPart[]): string =>
  CONTENTS.find(({ end }) => parts.some(({ label }) => label.endsWith(end)))?.words ?? 'something else';

function keyOf({ label, der, isEncrypted }: PemPart): KeyObject | string {
  if (isEncrypted) return ENCRYPTED;
  if (label.startsWith('OPENSSH'))
    return 'is in the format of OpenSSH: convert a copy of it with `ssh-keygen -p -m PKCS8 -f private.key`.';
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type });
    } catch {
      // The label may name another of these formats than the content has.
    }
  }
  return isTruncated(der) ? TRUNCATED : 'looks like a PEM, but holds no private key that can be read.';
}

/** Whether there is less of a DER sequence than its length says (X.690 section 8.1.3). */
function isTruncated(der: Buffer): boolean {
  const [tag, first = 0] = der;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (tag !== 0x30 || lengthBytes > 4 || der.length < 8) return false;
  const length = lengthBytes === 0 ? first : der.readUIntBE(2, lengthBytes);
  return der.length < 2 + lengthBytes + length;
}
