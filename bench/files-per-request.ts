import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { Session, type Profiler } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import express from 'express';
import { pino } from 'pino';
import { createApp } from '../src/routes.js';
import { readConfig } from '../src/config/config.js';
import { createSandbox } from '../src/sandbox/app.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { createMemoryStore } from '../src/store/memory.js';
import { systemWorld } from '../src/core/world.js';

/**
 * `npm run rooms -- [--files] [--json]`: counts the files of the server of which at least one
 * function runs for a request (V8, precise coverage). `--files` lists them.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = pathToFileURL(`${ROOT}src/`).href;
const OTHER_PROGRAMS = /^src\/(?:sandbox|tools)\//;
const ALICE = '+447700900000';

const listening = async (server: Server): Promise<string> => {
  await once(server, 'listening');
  return `http://localhost:${(server.address() as AddressInfo).port}`;
};

/** A server on the embedded store and a sandbox, both in this process. */
async function startServers() {
  const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();
  const world = systemWorld(pino({ level: 'silent' }));
  const [server, vonage] = [express(), express()];
  const listeners = [server.listen(0), vonage.listen(0)];
  const [base = '', sandbox = ''] = await Promise.all(listeners.map(listening));
  const config = readConfig({
    PUBLIC_URL: base,
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    VONAGE_BASE_URL: sandbox,
    VONAGE_API_KEY: apiKey,
    VONAGE_SIGNATURE_SECRET: signatureSecret,
    BRAND: 'Sandbox',
    MAX_UTILIZATION: '100',
  });
  server.use(createApp({ config, store: createMemoryStore(world), world, root: ROOT }));
  const { app } = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${base}/callback`,
    publicUrl: () => sandbox,
    world,
  });
  vonage.use(app);
  return { base, sandbox, close: () => listeners.forEach((each) => each.close().closeAllConnections()) };
}

/** A client that posts JSON and keeps the session cookie. */
function openApp(base: string) {
  let cookie = '';
  return async (path: string, body: object): Promise<Record<string, string>> => {
    const headers = { 'content-type': 'application/json', cookie, connection: 'close' };
    const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
    cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    const json = (await answer.json()) as Record<string, string>;
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  };
}

/** Follows redirects up to the first URL of this server, which is not requested. */
async function lastHop(link: string, base: string): Promise<string> {
  let url = link;
  while (!url.startsWith(base)) {
    url = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '';
  }
  return url;
}

const isOurs = ({ url }: Profiler.ScriptCoverage): boolean =>
  url.startsWith(SRC) && !OTHER_PROGRAMS.test(relative(ROOT, fileURLToPath(url)));

/** V8 counts the script itself as a function at offset 0, which runs when the script is loaded. */
const runs = ({ functions }: Profiler.ScriptCoverage): boolean =>
  functions.some(({ ranges: [whole] }) => whole !== undefined && whole.startOffset > 0 && whole.count > 0);

/** The paths of the server's files that `work` runs. */
async function filesOf(session: Session, work: () => Promise<unknown>): Promise<string[]> {
  await session.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter((script) => isOurs(script) && runs(script))
    .map(({ url }) => relative(ROOT, fileURLToPath(url)))
    .sort();
}

const servers = await startServers();
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

const filesByRequest: Record<string, string[]> = {};
const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
  filesByRequest[name] = await filesOf(session, work);
};

// The first login of a process also fills caches, such as the application JWT.
for (const round of ['warm', 'measured']) {
  const app = openApp(servers.base);
  let [callback, link, code] = ['', '', ''];
  await measure(
    'POST /login',
    async () => (link = (await app('/login', { phone_number: ALICE }))['auth_url'] ?? ''),
  );
  callback = await lastHop(link, servers.base);
  await measure('GET /callback', async () => {
    code = ((await (await fetch(callback)).json()) as { code: string }).code;
  });
  await measure('POST /verify, silent', () => app('/verify', { code }));
  await app('/login', { phone_number: ALICE });
  await measure('POST /login/next', () => app('/login/next', { channel: 'sms' }));
  const messages = (await (await fetch(`${servers.sandbox}/__sandbox/messages`)).json()) as {
    code: string;
  }[];
  await measure('POST /verify, typed', () => app('/verify', { code: messages.at(-1)?.code ?? '' }));
  if (round === 'warm') await fetch(`${servers.sandbox}/__sandbox/reset`, { method: 'POST' });
}
session.disconnect();
servers.close();

if (process.argv.includes('--json')) console.log(JSON.stringify(filesByRequest));
else {
  for (const [name, files] of Object.entries(filesByRequest))
    console.log(`${String(files.length).padStart(3)}  ${name}`);
  if (process.argv.includes('--files')) console.log(JSON.stringify(filesByRequest, undefined, 2));
}
