import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { readConfig, type Config } from '../config/config.js';
import { loadHooks } from '../server.js';
import { createSandbox } from '../sandbox/app.js';
import type { Conversation } from '../sandbox/conversation/conversation.js';
import { newCredentials } from '../sandbox/credentials.js';
import { createRecordingProxy } from '../sandbox/conversation/recording-proxy.js';
import { run, startServer } from '../server.js';
import { listen } from '../http/server.js';
import { systemWorld } from '../core/world.js';
import '../config/no-debug.js';

/** The server as `main` starts it, with a sandbox beside it, keys made on the spot, and nothing to configure. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const { PORT = '3000', SANDBOX_PORT = '4000' } = process.env;
const publicUrl = `http://localhost:${PORT}`;
const sandboxUrl = `http://localhost:${SANDBOX_PORT}`;
const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();

/** What can be tried out is taken from the environment; what belongs to somebody's own server is not. */
const settings = (problems: readonly string[]) => {
  const watched = Object.entries(process.env).filter(([name]) => /^(?:METRICS|OTEL)_/.test(name));
  const { LOG_LEVEL, SILENT_AUTH, FALLBACK_CHANNELS, COVERAGE_CHECK, RATE_LIMITS, ALLOWED_COUNTRIES } =
    process.env;
  const { ASSERTION_KEYS, ASSERTION_AUDIENCE, ASSERTION_SUBJECT_SECRET, ASSERTION_PHONE_NUMBER } =
    process.env;
  const env = {
    // Any free one: at `PORT` there is a proxy that records the calls of the app for the sandbox.
    PORT: '0',
    ...Object.fromEntries(watched),
    ...{ LOG_LEVEL, SILENT_AUTH, FALLBACK_CHANNELS, COVERAGE_CHECK, RATE_LIMITS, ALLOWED_COUNTRIES },
    ...{ ASSERTION_KEYS, ASSERTION_AUDIENCE, ASSERTION_SUBJECT_SECRET, ASSERTION_PHONE_NUMBER },
    PUBLIC_URL: publicUrl,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: sandboxUrl,
    BRAND: 'Demo',
    HELP_URL: sandboxUrl,
    VONAGE_API_KEY: apiKey,
    VONAGE_SIGNATURE_SECRET: signatureSecret,
  };
  return readConfig(env, problems);
};

const openSandbox = async () => {
  const made = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${publicUrl}/callback`,
    publicUrl: () => sandboxUrl,
    root,
    webhooks: { url: () => `${publicUrl}/webhooks/verify`, apiKey, signatureSecret },
    world: systemWorld(pino({ level: 'warn' })),
  });
  const listening = made.app.listen(Number(SANDBOX_PORT));
  await once(listening, 'listening');
  made.startTicking();
  return { listening, conversation: made.state.conversation };
};

/**
 * Listens in place of the server, on a socket like the server's, and forwards every request to it.
 */
const openRecordingProxy = (port: number, conversation: Conversation, { keepAliveSeconds }: Config) =>
  listen(
    createRecordingProxy(() => port, conversation),
    { port: Number(PORT), docsUrl: `${publicUrl}/errors.md`, keepAliveSeconds },
  );

await run(async () => {
  const { hooks, problems } = await loadHooks(process.env);
  const config = settings(problems);
  const { listening: sandbox, conversation } = await openSandbox();
  const server = await startServer(config, root, hooks);
  const proxy = await openRecordingProxy(server.port, conversation, config);
  console.log(`
  The demo is at     ${publicUrl}   the page to log in with, as +447700900000 say
  The sandbox is at  ${sandboxUrl}   Vonage, the operator and a phone: what is said in a login, and codes by SMS

  Nothing leaves this machine.
`);
  return async () => {
    await proxy.drain(0);
    sandbox.close();
    sandbox.closeAllConnections();
    await server.stop();
  };
});
