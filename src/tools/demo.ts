import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { ConfigError, readConfig, type Config } from '../config/config.js';
import { createSandbox } from '../sandbox/app.js';
import type { Conversation } from '../sandbox/conversation/conversation.js';
import { newCredentials } from '../sandbox/credentials.js';
import { NOT_FOR_PRODUCTION, settingsFor } from '../sandbox/settings.js';
import { createRecordingProxy } from '../sandbox/conversation/recording-proxy.js';
import { loadHooks, run, startServer } from '../server.js';
import { listen } from '../http/server.js';
import { systemWorld } from '../core/world.js';
import { defineCommand, expectNoArguments } from './command.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { PORT = '3000', SANDBOX_PORT = '4000', HOST = '127.0.0.1' } = process.env;
/** The URLs for browsers and phones. */
const publicUrl = urlFrom('PUBLIC_URL', PORT);
const sandboxUrl = urlFrom('SANDBOX_PUBLIC_URL', SANDBOX_PORT);
/** Where the server reaches the sandbox, and the sandbox the server. */
const [localUrl, localSandboxUrl] = [localAt(PORT), localAt(SANDBOX_PORT)];

function localAt(port: string): string {
  const host = ['0.0.0.0', '::'].includes(HOST) ? 'localhost' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function urlFrom(name: string, port: string): string {
  return process.env[name]?.trim().replace(/\/+$/, '') || `http://localhost:${port}`;
}

type Credentials = ReturnType<typeof newCredentials>;

/** The settings that can be tried out: none that belongs to a deployment. */
const TRIED_OUT =
  /^(?:(?:ASSERTION|CAMARA|METRICS|OTEL|SIM_SWAP|SMS|RCS|WHATSAPP)_.*|ACCENT_COLOR|ALLOWED_COUNTRIES|BRAND|CHANNEL_TIMEOUT|CODE_LENGTH|CONTINUE_URL|COVERAGE_CHECK|EXPLAIN|FALLBACK_CHANNELS|FRAUD_CHECK|LOCALE|LOG_LEVEL|LOGO_URL|RATE_LIMITS|SILENT_AUTH|VERIFY_CHAIN)$/;

const settings = (problems: readonly string[], credentials: Credentials) => {
  const env = {
    ...settingsFor(sandboxUrl, credentials),
    // The server reaches the sandbox locally; only links need its public URL.
    VONAGE_BASE_URL: '',
    VONAGE_API_HOST: localSandboxUrl,
    VONAGE_VERIFY_HOST: localSandboxUrl,
    VONAGE_OIDC_URL: `${sandboxUrl}/oauth2/auth`,
    AUTH_URL_HOSTS: URL.canParse(sandboxUrl) ? new URL(sandboxUrl).host : '',
    // Any free port: at `PORT` a proxy records the calls of the app for the sandbox.
    PORT: '0',
    HOST,
    PUBLIC_URL: publicUrl,
    BRAND: 'Demo',
    EXPLAIN: 'true',
    HELP_URL: sandboxUrl,
    HELP_LABEL: 'Open the sandbox',
    WHATSAPP_FROM: '447700900999',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => TRIED_OUT.test(name))),
  };
  const ofProduction = process.env['NODE_ENV'] === 'production' ? [NOT_FOR_PRODUCTION] : [];
  return readConfig(env, [...problems, ...ofProduction, ...problemsOfSandboxUrl()]);
};

/** No device opens another link (`isAllowedLink`). */
function problemsOfSandboxUrl(): string[] {
  const { protocol, hostname } = new URL(URL.canParse(sandboxUrl) ? sandboxUrl : 'none:');
  const isUsable = protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost');
  return isUsable ? [] : ['SANDBOX_PUBLIC_URL must begin with https://; http is only for localhost.'];
}

const openSandbox = async ({ applicationId, privateKeyPem, apiKey, signatureSecret }: Credentials) => {
  const made = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${publicUrl}/callback`,
    publicUrl: () => sandboxUrl,
    webhooks: { url: () => `${localUrl}/webhooks/verify`, apiKey, signatureSecret },
    world: systemWorld(pino({ level: 'warn' })),
  });
  const listening = made.app.listen(Number(SANDBOX_PORT), HOST);
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
    { port: Number(PORT), host: HOST, docsUrl: `${publicUrl}/errors.md`, keepAliveSeconds },
  );

/** Only what is true of these settings. */
function greeting(): string {
  const isLocal = [publicUrl, sandboxUrl].every((url) => new URL(url).hostname === 'localhost');
  const onAPhone = `
  On an Android phone, connected by USB: adb reverse tcp:${PORT} tcp:${PORT} && adb reverse tcp:${SANDBOX_PORT} tcp:${SANDBOX_PORT}, then open the
  same addresses there. On any phone: with https, by two tunnels (docs/demo.md).
`;
  return `
  The demo is at     ${publicUrl}   the login page: log in as +447700900000
  The sandbox is at  ${sandboxUrl}   Vonage, the operator and a phone: each call of a login, and the messages

  Both listen on ${HOST}.
${isLocal ? onAPhone : ''}`;
}

/** Checked before the URLs that contain them. */
function checkPorts(): void {
  const problems = Object.entries({ PORT, SANDBOX_PORT })
    .filter(([, port]) => !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535)
    .map(([name]) => `${name} must be a whole number, 1 to 65535.`);
  if (problems.length > 0) throw new ConfigError(problems);
}

async function start(): Promise<() => Promise<void>> {
  checkPorts();
  const { hooks, problems } = await loadHooks(process.env);
  const credentials = newCredentials();
  const config = settings(problems, credentials);
  const { listening: sandbox, conversation } = await openSandbox(credentials);
  // The proxy is in the same process.
  const server = await startServer({ ...config, host: '127.0.0.1' }, root, hooks);
  const proxy = await openRecordingProxy(server.port, conversation, config);
  console.log(greeting());
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

Reads PORT (3000) and SANDBOX_PORT (4000), the address to listen on, HOST (127.0.0.1), and for browsers and phones elsewhere PUBLIC_URL and
SANDBOX_PUBLIC_URL (docs/demo.md); to try them out also SILENT_AUTH, FALLBACK_CHANNELS, the other settings of Verify, those of the page,
RATE_LIMITS, ALLOWED_COUNTRIES, HOOKS, LOG_LEVEL and all ASSERTION_…, CAMARA_…, METRICS_…, OTEL_… and SIM_SWAP_…: from the environment alone. Exits with 0
when it was stopped, 1 when a setting cannot be used or a port is taken, 2 when it was called wrongly.`,
  options: {},
  async run({ positionals }) {
    expectNoArguments(positionals);
    await run(start);
    return undefined;
  },
});
