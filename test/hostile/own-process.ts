import { fork } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { pino } from 'pino';
import { createSandbox } from '../../src/sandbox/app.js';
import { listen } from '../../src/http/server.js';
import { systemWorld } from '../../src/core/world.js';
import { credentials } from '../support/credentials.js';
import { camaraAt, UNLIMITED } from '../support/system.js';
import { freePort } from '../support/redis-server.js';
import { until } from '../support/until.js';

/** A server in a process of its own, with a sandbox in this process. */
export interface OwnProcess {
  base: string;
  sandbox: string;
  /** Stdout and stderr so far. */
  output(): string;
  alive(): boolean;
  /** Heap after a garbage collection (MB); needs `server-process.ts`. */
  heap(): Promise<number>;
  control(method: string, path: string, body?: object): Promise<unknown>;
  stop(): Promise<void>;
}

const { PATH = '' } = process.env;

/** @param program the arguments of Node */
export async function startOwnProcess(program: string[], env: Record<string, string>): Promise<OwnProcess> {
  const port = await freePort();
  const base = `http://localhost:${port}`;
  const handler: { sandbox?: RequestListener } = {};
  const listening = await listen((req, res) => handler.sandbox?.(req, res), { port: 0, docsUrl: 'errors' });
  const sandbox = `http://localhost:${listening.port}`;
  const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = credentials;
  handler.sandbox = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${base}/callback`,
    publicUrl: () => sandbox,
    webhooks: { url: () => `${base}/webhooks/verify`, apiKey, signatureSecret },
    world: systemWorld(pino({ level: 'silent' })),
  }).app as RequestListener;

  const child = fork(program.at(-1) ?? '', {
    execArgv: program.slice(0, -1),
    silent: true,
    env: {
      PATH,
      ...UNLIMITED,
      DRAIN_SECONDS: '0',
      PORT: `${port}`,
      PUBLIC_URL: base,
      SESSION_SECRET: sessionSecret,
      VONAGE_APPLICATION_ID: applicationId,
      VONAGE_PRIVATE_KEY: privateKeyPem,
      VONAGE_API_KEY: apiKey,
      VONAGE_SIGNATURE_SECRET: signatureSecret,
      VONAGE_BASE_URL: sandbox,
      ...camaraAt(sandbox),
      BRAND: 'Sandbox',
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close');
  const alive = () => child.exitCode === null && child.signalCode === null;
  await until(async () => {
    if (!alive()) throw new Error(`the server did not start: ${output}`);
    return (await fetch(`${base}/healthz`).catch(() => undefined)) !== undefined;
  }, 60);

  return {
    base,
    sandbox,
    output: () => output,
    alive,
    async heap() {
      const answer = once(child, 'message');
      child.send('heap');
      return Number((await answer)[0]);
    },
    async control(method, path, body) {
      const answer = await fetch(`${sandbox}/__sandbox/${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      return answer.status === 204 ? undefined : answer.json();
    },
    async stop() {
      child.kill('SIGTERM');
      await closed;
      await listening.drain(0);
    },
  };
}
