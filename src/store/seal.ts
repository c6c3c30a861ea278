import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { randomBytes } from '../world.js';

const NONCE = 12;
const TAG = 16;

const infoOf = (purpose: string): string => `silent-auth ${purpose}`;

// Keys are key objects from the beginning: Node 24 takes several times as long to make one of bytes for each use.

/** Derives a 256-bit key from a secret for one purpose (HKDF, RFC 5869), so that keys of two purposes never meet. */
export const deriveKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', infoOf(purpose), 32)));

/**
 * The same for a secret that is 256 random bits already, and needs no extracting (RFC 5869 section 3.3): the one block
 * that HKDF-Expand makes of it (section 2.3).
 */
export const expandKey = (secret: string, purpose: string): KeyObject =>
  createSecretKey(
    createHmac('sha256', createSecretKey(secret, 'utf8'))
      .update(`${infoOf(purpose)}\x01`)
      .digest(),
  );

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
