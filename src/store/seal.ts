import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { ZodType } from 'zod';
import { randomBytes } from '../core/world.js';

export interface RecordFormat<T> {
  write(value: T): string;
  /** @returns `undefined` for a record of another version or shape */
  read(text: string): T | undefined;
}

/**
 * The format of one kind of record. During an upgrade, processes of two releases share a store, so
 * each record has a version.
 * @param version raised with every change that another release would misread
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

/** Text as it is. */
export const TEXT: RecordFormat<string> = { write: (text) => text, read: (text) => text };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const infoOf = (purpose: string): string => `silent-auth ${purpose}`;

/**
 * Derives a 256-bit key for one purpose from a secret (HKDF, RFC 5869). Keys are key objects,
 * because Node 24 takes several times as long with raw bytes.
 */
export const deriveKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', infoOf(purpose), 32)));

/** As {@link deriveKey}, but 256 random bits need only one round (RFC 5869 sections 2.3, 3.3). */
export const deriveTicketKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(
    createHmac('sha256', secret)
      .update(`${infoOf(purpose)}\x01`)
      .digest(),
  );

/** Makes pseudonyms (HMAC-SHA256), which reveal nothing without the secret. */
export const createNaming = (secret: string, purpose: string): ((text: string) => string) => {
  const key = deriveKey(secret, purpose);
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
};

/** Seals text with AES-256-GCM. Only the same `context` opens it: the key it is stored under. */
export function seal(key: KeyObject, context: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** @returns `undefined` for text that was altered, or sealed with another key or context */
export function unseal(key: KeyObject, context: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return (
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    );
  } catch {
    return undefined;
  }
}

/** Seals under the first of several secrets and opens under any, so that secrets can be rotated. */
export function createKeyring<T>(
  [first = '', ...older]: readonly string[],
  purpose: string,
  format: RecordFormat<T>,
) {
  const current = deriveKey(first, purpose);
  const keys = [current, ...older.map((secret) => deriveKey(secret, purpose))];
  return {
    seal: (context: string, record: T): string => seal(current, context, format.write(record)),
    /** @returns `undefined` if no secret opens it, or it is a record of another version or shape */
    open(context: string, sealed: string): T | undefined {
      for (const key of keys) {
        const text = unseal(key, context, sealed);
        if (text !== undefined) return format.read(text);
      }
      return undefined;
    },
  };
}
