import { createPrivateKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What a customer gets from the dashboard, and the secret a server makes for itself. */
export interface Credentials {
  applicationId: string;
  /** PKCS #8. */
  privateKeyPem: string;
  /** 32 random bytes, base64url. */
  sessionSecret: string;
  /** The account, in 8 hex digits. */
  apiKey: string;
  /** What webhooks are signed with: 32 random bytes, base64url. */
  signatureSecret: string;
}

export const newCredentials = (): Credentials => ({
  applicationId: randomUUID(),
  privateKeyPem: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
  sessionSecret: randomBytes(32).toString('base64url'),
  apiKey: randomBytes(4).toString('hex'),
  signatureSecret: randomBytes(32).toString('base64url'),
});

const isPem = (text: string): boolean => text.includes('-----BEGIN');

const pemOf = (text: string): string => {
  const unescaped = text.replaceAll('\\n', '\n').trim();
  if (isPem(unescaped)) return unescaped;
  const decoded = Buffer.from(text, 'base64').toString();
  return isPem(decoded) ? decoded : readFileSync(text, 'utf8');
};

/** Reads an RSA private key from PEM, PEM with literal `\n`, base64 of PEM, or the path of a PEM file. Throws words for a person. */
export const readPrivateKey = (text: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pemOf(text));
  } catch {
    throw new Error('is neither a PEM private key, nor base64 of one, nor the path of a file with one');
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error('must be an RSA key');
  return key;
};
