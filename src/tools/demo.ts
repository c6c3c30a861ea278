import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { readConfig, type Config } from '../config/config.js';
import { createSandbox } from '../sandbox/app.js';
import type { Conversation } from '../sandbox/conversation/conversation.js';
import { newCredentials } from '../sandbox/credentials.js';
import { createRecordingProxy } from '../sandbox/conversation/recording-proxy.js';
import { loadHooks, run, startServer } from '../server.js';
import { listen } from '../http/server.js';
import { systemWorld } from '../core/world.js';
import { defineCommand, expectNoArguments } from './command.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { PORT = '3000', SANDBOX_PORT = '4000' } = process.env;
const publicUrl = `http://localhost:${PORT}`;
const sandboxUrl = `http://localhost:${SANDBOX_PORT}`;

type Credentials = ReturnType<typeof newCredentials>;

/** The settings that can be tried out: none that belongs to a deployment. */
const TRIED_OUT =
  /^(?:(?:ASSERTION|CAMARA|METRICS|OTEL|SMS|RCS|WHATSAPP)_.*|ALLOWED_COUNTRIES|CHANNEL_TIMEOUT|CODE_LENGTH|COVERAGE_CHECK|FALLBACK_CHANNELS|FRAUD_CHECK|LOCALE|LOG_LEVEL|RATE_LIMITS|SILENT_AUTH|VERIFY_CHAIN)$/;

const settings = (
  problems: readonly string[],
  { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret }: Credentials,
) => {
  const env = {
    // Any free port: at `PORT` a proxy records the calls of the app for the sandbox.
    PORT: '0',
    WHATSAPP_FROM: '447700900999',
    CAMARA_ISSUER: `${sandboxUrl}/camara-operator`,
    CAMARA_CLIENT_ID: 'silent-auth-sandbox',
    CAMARA_PRIVATE_KEY: privateKeyPem,
    CAMARA_SCOPE: 'openid dpv:FraudPreventionAndDetection number-verification:verify',
    CAMARA_API_ROOT: `${sandboxUrl}/camara-operator/api`,
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => TRIED_OUT.test(name))),
    PUBLIC_URL: publicUrl,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: sandboxUrl,
    BRAND: 'Demo',
    HELP_URL: sandboxUrl,
    HELP_LABEL: 'Open the sandbox',
    EXPLAIN: 'true',
    VONAGE_API_KEY: apiKey,
    VONAGE_SIGNATURE_SECRET: signatureSecret,
  };
  return readConfig(env, problems);
};

const openSandbox = async ({ applicationId, privateKeyPem, apiKey, signatureSecret }: Credentials) => {
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

async function start(): Promise<() => Promise<void>> {
  const { hooks, problems } = await loadHooks(process.env);
  const credentials = newCredentials();
  const config = settings(problems, credentials);
  const { listening: sandbox, conversation } = await openSandbox(credentials);
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
    await server.stop(0);
  };
}

/** The server as `main` starts it, with a sandbox beside it and keys made on the spot. */
export const demo = defineCommand({
  usage: `Usage: silent-auth demo
Runs the server and a sandbox in one process, with keys made on the spot, until it gets SIGTERM or SIGINT.

  --help  shows this

Reads PORT (3000) and SANDBOX_PORT (4000); to try them out also SILENT_AUTH, FALLBACK_CHANNELS, the other settings of Verify,
RATE_LIMITS, ALLOWED_COUNTRIES, HOOKS, LOG_LEVEL and all ASSERTION_…, CAMARA_…, METRICS_… and OTEL_…: from the environment alone. Exits with 0
when it was stopped, 1 when a setting cannot be used or a port is taken, 2 when it was called wrongly.`,
  options: {},
  async run({ positionals }) {
    expectNoArguments(positionals);
    await run(start);
    return undefined;
  },
});
