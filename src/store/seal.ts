import type { ZodType } from 'zod';
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** How one kind of record is written as text, and read back. */
export interface RecordFormat<T> {
  write(value: T): string;
  /** `undefined` for a record of another version or another shape: it counts as absent. */
  read(text: string): T | undefined;
}

/**
 * Makes the format of one kind of record. Processes of two releases share a store while one
 * replaces the other, so each record says its version.
 * @param version raised with every change after which an older or newer process would misread the
 * record
 */
export function createRecordFormat<T extends object>(version: number, schema: ZodType<T>): RecordFormat<T> {
  return {
    write: (value) => JSON.stringify({ v: version, ...value }),
    read(text) {
      const { v, ...value } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
      return v === version ? schema.safeParse(value).data : undefined;
    },
  };
}

const NONCE = 12;
const TAG = 16;

const infoOf = (purpose: string): string => `silent-auth ${purpose}`;

// Keys are key objects from the beginning: Node 24 takes several times as long to make one of bytes for each use.

/** Derives a 256-bit key from a secret for one purpose (HKDF, RFC 5869), so that keys of two purposes never meet. */
export const deriveKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', infoOf(purpose), 32)));

/**
 * Derives a 256-bit key from a secret that is 256 random bits already. Such a secret needs no
 * extraction (RFC 5869 section 3.3), and a key of this length is one round of expansion (section
 * 2.3).
 */
export const deriveTicketKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(
    createHmac('sha256', secret)
      .update(`${infoOf(purpose)}\x01`)
      .digest(),
  );

/**
 * Makes names that say nothing to anybody without the secret (HMAC-SHA256). The same text has the
 * same name.
 * @returns 43 characters of base64url
 */
export const createNaming = (secret: string, purpose: string): ((text: string) => string) => {
  const key = deriveKey(secret, purpose);
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
};

/** Seals text with AES-256-GCM; `context` (the key it is stored under) must be the same to open it again. */
export function seal(key: KeyObject, context: string, text: string): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** Opens what {@link seal} made; `undefined` for anything altered, sealed with another key, or moved elsewhere. */
export function unseal(key: KeyObject, context: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-TAG));
  try {
    return decipher.update(bytes.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

/** Seals under the first of several secrets and opens under any, so that secrets can be rotated. */
export interface Keyring {
  seal(context: string, text: string): string;
  /** `undefined` where no secret opens it. */
  open(context: string, sealed: string): string | undefined;
}

export function createKeyring([first = '', ...older]: readonly string[], purpose: string): Keyring {
  const current = deriveKey(first, purpose);
  const keys = [current, ...older.map((secret) => deriveKey(secret, purpose))];
  return {
    seal: (context, text) => seal(current, context, text),
    open(context, sealed) {
      for (const key of keys) {
        const text = unseal(key, context, sealed);
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}
