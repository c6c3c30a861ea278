import { existsSync, writeFileSync } from 'node:fs';
import { newCredentials } from './credentials.js';

/** An env file that runs the server against the sandbox, as `node --env-file` reads it: it turns `\n` in double quotes into line ends. */
const envFile = (): string => {
  const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();
  return `# Protects the sessions; a new value logs everybody out.
SESSION_SECRET=${sessionSecret}
# The Vonage application; this one exists only in the sandbox.
VONAGE_APPLICATION_ID=${applicationId}
# The application's private key: the server signs with it, the sandbox derives the public key from it.
VONAGE_PRIVATE_KEY="${privateKeyPem.replaceAll('\n', '\\n')}"
# The Vonage account, and the secret its webhooks are signed with.
VONAGE_API_KEY=${apiKey}
VONAGE_SIGNATURE_SECRET=${signatureSecret}
# Who texts and calls say they are from.
BRAND=Sandbox
# Where Vonage is; remove this line to talk to the real one.
VONAGE_BASE_URL=http://localhost:4000
# Where browsers and phones reach the server.
PUBLIC_URL=http://localhost:3000
`;
};

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Name the file to write, such as .env\n');
  process.exitCode = 1;
} else if (existsSync(file)) {
  process.stdout.write(`${file} is already there; it was left as it is.\n`);
} else {
  // The flag refuses a file that came to be meanwhile; the mode lets nobody else read the keys.
  writeFileSync(file, envFile(), { mode: 0o600, flag: 'wx' });
  process.stdout.write(`${file} written: server and sandbox can start.\n`);
}
