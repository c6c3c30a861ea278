import { fileURLToPath } from 'node:url';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { readConfig } from './config.js';
import { createSandbox } from './sandbox/app.js';
import { newCredentials } from './sandbox/credentials.js';
import { startServer, stopOnSignal } from './server.js';
import { systemWorld } from './world.js';
import { pino } from 'pino';

/** The server as `main` starts it, with a sandbox beside it, a key made on the spot, and nothing to configure. */
const root = fileURLToPath(new URL('..', import.meta.url));
const {
  PORT = '3000',
  SANDBOX_PORT = '4000',
  LOG_LEVEL = 'info',
  SILENT_AUTH,
  FALLBACK_CHANNELS,
} = process.env;
const publicUrl = `http://localhost:${PORT}`;
const sandboxUrl = `http://localhost:${SANDBOX_PORT}`;
const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();

const sandboxApp = createSandbox({
  applicationId,
  publicKey: createPublicKey(privateKeyPem),
  redirectUri: `${publicUrl}/callback`,
  publicUrl: () => sandboxUrl,
  webhooks: { url: () => `${publicUrl}/webhooks/verify`, apiKey, signatureSecret },
  world: systemWorld(pino({ level: 'warn' })),
});
const sandbox = sandboxApp.app.listen(Number(SANDBOX_PORT));
await once(sandbox, 'listening');
sandboxApp.startTicking();

const config = readConfig({
  PORT,
  LOG_LEVEL,
  PUBLIC_URL: publicUrl,
  SESSION_SECRET: sessionSecret,
  VONAGE_APPLICATION_ID: applicationId,
  VONAGE_PRIVATE_KEY: privateKeyPem,
  VONAGE_BASE_URL: sandboxUrl,
  BRAND: 'Demo',
  VONAGE_API_KEY: apiKey,
  VONAGE_SIGNATURE_SECRET: signatureSecret,
  SILENT_AUTH,
  FALLBACK_CHANNELS,
});
const server = await startServer(config, root);
stopOnSignal(async () => {
  sandbox.close();
  sandbox.closeAllConnections();
  await server.stop();
});

console.log(`
  The demo is at          ${publicUrl}
  Vonage and operator at  ${sandboxUrl}   (a sandbox: nothing leaves this machine)

  Log in as +447700900000. What the other numbers do is in the README.
`);
