import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

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
