import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

export const newCredentials = () => ({
  applicationId: randomUUID(),
  /** PKCS #8. */
  privateKeyPem: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
  /** 32 random bytes, base64url. */
  sessionSecret: randomBytes(32).toString('base64url'),
  /** 8 hex digits. */
  apiKey: randomBytes(4).toString('hex'),
  /** Of webhooks: 32 random bytes, base64url. */
  signatureSecret: randomBytes(32).toString('base64url'),
});

type Credentials = ReturnType<typeof newCredentials>;

export const envFileOf = (
  credentials: Credentials,
): string => `# Encrypts the sessions. A new value ends all sessions.
SESSION_SECRET=${credentials.sessionSecret}
# The Vonage application. This one exists only in the sandbox.
VONAGE_APPLICATION_ID=${credentials.applicationId}
# The application's private key. The sandbox derives the public key from it.
VONAGE_PRIVATE_KEY="${credentials.privateKeyPem.replaceAll('\n', '\\n')}"
# The Vonage account, and the secret that signs its webhooks.
VONAGE_API_KEY=${credentials.apiKey}
VONAGE_SIGNATURE_SECRET=${credentials.signatureSecret}
# The sender named in SMS and calls.
BRAND=Sandbox
# The sandbox. Remove this line to use Vonage.
VONAGE_BASE_URL=http://localhost:4000
# The server's URL for browsers and phones.
PUBLIC_URL=http://localhost:3000
`;
