import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

/** Creates what the Vonage dashboard gives a customer, and the secret of a server. */
export const newCredentials = () => ({
  applicationId: randomUUID(),
  /** PKCS #8. */
  privateKeyPem: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
  /** 32 random bytes, base64url. */
  sessionSecret: randomBytes(32).toString('base64url'),
  /** The account: 8 hex digits. */
  apiKey: randomBytes(4).toString('hex'),
  /** Signs webhooks: 32 random bytes, base64url. */
  signatureSecret: randomBytes(32).toString('base64url'),
});

type Credentials = ReturnType<typeof newCredentials>;

/** An env file that runs the server against the sandbox, for `node --env-file`. */
export const envFileOf = (
  credentials: Credentials,
): string => `# Protects the sessions; a new value logs everybody out.
SESSION_SECRET=${credentials.sessionSecret}
# The Vonage application; this one exists only in the sandbox.
VONAGE_APPLICATION_ID=${credentials.applicationId}
# The application's private key: the server signs with it, the sandbox derives the public key from it.
VONAGE_PRIVATE_KEY="${credentials.privateKeyPem.replaceAll('\n', '\\n')}"
# The Vonage account, and the secret its webhooks are signed with.
VONAGE_API_KEY=${credentials.apiKey}
VONAGE_SIGNATURE_SECRET=${credentials.signatureSecret}
# The sender of texts and calls.
BRAND=Sandbox
# Where Vonage is; remove this line to use the real one.
VONAGE_BASE_URL=http://localhost:4000
# Where browsers and phones reach the server.
PUBLIC_URL=http://localhost:3000
`;
