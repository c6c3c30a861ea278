import { readFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

/** One part of a PEM (RFC 7468), such as a key or a certificate. */
export interface PemPart {
  /** Its label without spaces, which some tools drop: `RSAPRIVATEKEY`. */
  label: string;
  text: string;
  der: Buffer;
  isEncrypted: boolean;
}

const ENCRYPTED =
  'is encrypted with a passphrase: decrypt it with `openssl pkey -in encrypted.key -out private.key`.';
const TRUNCATED =
  'is truncated: a part of the PEM is missing. In a variable of one line, write \\n for its line ends.';

const PART = /-+\s*BEGIN([A-Z0-9\s+_]+)-+(.*?)-+\s*END[A-Z0-9\s+_]+-{1,5}(?:\r?\n)?/gs;
const FENCE = /-\s*(?:BEGIN|END)[A-Z0-9\s+_]+-/;

/**
 * Reads a PEM in the forms that files, environments and secret stores make of it: in quotes,
 * indented, with line ends that are escaped, doubled or lost, among other text, base64 of any of
 * these, or the path of a file with one.
 * @returns its parts, at least one; or what is wrong with the text, without repeating any of it
 */
export function readPem(text: string): PemPart[] | string {
  const found = partsIn(text);
  if (found !== undefined) return found;
  const content = contentOf(text.replace(/^(["'])(.*)\1$/, '$2'));
  if (content === undefined) return 'is neither PEM, nor base64 of a PEM, nor a file that can be read.';
  return partsIn(content) ?? 'names a file that holds neither PEM nor base64 of a PEM.';
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function partsIn(text: string): PemPart[] | string | undefined {
  const plain = undoEscapes(text);
  const decoded = decode(plain);
  // A secret that a person encodes is often encoded again by the tool that stores it.
  const pem = [plain, decoded, decode(decoded)].find((candidate) => FENCE.test(candidate));
  if (pem === undefined) return undefined;
  const parts = [...pem.matchAll(PART)].map(([whole, label = '', body = '']) => ({
    label: label.replace(/[^A-Z0-9]/g, ''),
    text: whole,
    der: Buffer.from(base64Of(body), 'base64'),
    isEncrypted: label.includes('ENCRYPTED') || body.includes('Proc-Type'),
  }));
  if (parts.length > 0) return parts;
  return pem.includes('Proc-Type') ? ENCRYPTED : TRUNCATED;
}

/** Undoes what JSON, URLs, UTF-16 and word processors do to a PEM. */
const undoEscapes = (text: string): string =>
  text
    .replace(/(?:%|\\+x|\\+u00)([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\+[nrt]/g, '\n')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replaceAll('\0', '');

/** Base64 or base64url, among quotes and line ends. */
const decode = (text: string): string =>
  undoEscapes(Buffer.from(text.replace(/[^\w+/-]/g, ''), 'base64').toString('utf8'));

function base64Of(body: string): string {
  const base64 = body.replace(/[^A-Za-z0-9+/]/g, '');
  // Where a shell drops the backslash of `\n`, an n stands before the first line and behind each.
  // The base64 of DER begins with M.
  return base64.startsWith('n')
    ? base64
        .slice(1)
        .replace(/(.{64})n/g, '$1')
        .replace(/n$/, '')
    : base64;
}

/** The algorithm that a key signs with. */
export const algorithmOf = ({ asymmetricKeyType }: KeyObject): 'RS256' | 'ES256' =>
  asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';

function faultOfRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType !== 'rsa') return 'must be an RSA key.';
  return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? undefined : 'must have at least 2048 bits.';
}

const faultOfP256 = ({ asymmetricKeyDetails }: KeyObject): string | undefined =>
  asymmetricKeyDetails?.namedCurve === 'prime256v1' ? undefined : 'must be a key of the curve P-256.';

/** What is wrong with a key for a signature algorithm of JWA (RFC 7518 section 3), if anything. */
const FAULT_OF = {
  RS256: faultOfRsa,
  ES256: faultOfP256,
  'RS256 or ES256': (key) => (algorithmOf(key) === 'RS256' ? faultOfRsa(key) : faultOfP256(key)),
  any: () => undefined,
} satisfies Record<string, (key: KeyObject) => string | undefined>;

export type KeyAlgorithm = keyof typeof FAULT_OF;

/**
 * Reads a private key in any of the forms of {@link readPem}: PKCS #8, PKCS #1 or SEC 1.
 * @returns the key, or what is wrong with the text, without repeating any of it
 */
export function parsePrivateKey(text: string, algorithm: KeyAlgorithm = 'RS256'): KeyObject | string {
  const parts = readPem(text);
  if (typeof parts === 'string') return parts;
  const [part, another] = parts.filter(({ label }) => label.endsWith('PRIVATEKEY'));
  if (part === undefined) return `holds ${contentsOf(parts)}, and no private key.`;
  if (another !== undefined) return 'holds several private keys, and one is wanted.';
  const key = keyOf(part);
  return typeof key === 'string' ? key : (FAULT_OF[algorithm](key) ?? key);
}

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

/** Whether a DER sequence is shorter than its length field says (X.690 section 8.1.3). */
function isTruncated(der: Buffer): boolean {
  const [tag, first = 0] = der;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (tag !== 0x30 || lengthBytes > 4 || der.length < 8) return false;
  const length = lengthBytes === 0 ? first : der.readUIntBE(2, lengthBytes);
  return der.length < 2 + lengthBytes + length;
}

/** The public half of a signing key as a JWK, with its thumbprint as `kid` (RFC 7638). */
export async function publicJwk(privateKey: KeyObject): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(createPublicKey(privateKey));
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithmOf(privateKey), use: 'sig' };
}
