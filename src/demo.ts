import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { readConfig } from './config.js';
import { createSandbox } from './sandbox/app.js';
import { newCredentials } from './sandbox/credentials.js';
import { run, startServer } from './server.js';
import { systemWorld } from './world.js';

/** The server as `main` starts it, with a sandbox beside it, keys made on the spot, and nothing to configure. */
const root = fileURLToPath(new URL('..', import.meta.url));
const { PORT = '3000', SANDBOX_PORT = '4000' } = process.env;
const publicUrl = `http://localhost:${PORT}`;
const sandboxUrl = `http://localhost:${SANDBOX_PORT}`;
const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();

/** What can be tried out is taken from the environment; what belongs to somebody's own server is not. */
const settings = () => {
  const { LOG_LEVEL, SILENT_AUTH, FALLBACK_CHANNELS, COVERAGE_CHECK } = process.env;
  return readConfig({
    ...{ PORT, LOG_LEVEL, SILENT_AUTH, FALLBACK_CHANNELS, COVERAGE_CHECK },
    PUBLIC_URL: publicUrl,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: sandboxUrl,
    BRAND: 'Demo',
    VONAGE_API_KEY: apiKey,
    VONAGE_SIGNATURE_SECRET: signatureSecret,
  });
};

const openSandbox = async () => {
  const made = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${publicUrl}/callback`,
    publicUrl: () => sandboxUrl,
    webhooks: { url: () => `${publicUrl}/webhooks/verify`, apiKey, signatureSecret },
    world: systemWorld(pino({ level: 'warn' })),
  });
  const listening = made.app.listen(Number(SANDBOX_PORT));
  await once(listening, 'listening');
  made.startTicking();
  return listening;
};

await run(async () => {
  const config = settings();
  const sandbox = await openSandbox();
  const server = await startServer(config, root);
  console.log(`
  The demo is at          ${publicUrl}
  Vonage and operator at  ${sandboxUrl}   (a sandbox: nothing leaves this machine)

  Log in as +447700900000. What the other numbers do is in the README.
`);
  return async () => {
    sandbox.close();
    sandbox.closeAllConnections();
    await server.stop();
  };
});
