import { createPublicKey } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createSandbox } from '../../src/sandbox/app.js';
import { listen } from '../../src/http/server.js';
import { credentials } from './credentials.js';
import { testWorld } from './world.js';

const { applicationId, privateKeyPem } = credentials;

export interface Said {
  method: string;
  path: string;
  headers: Record<string, string>;
  status: number;
}

/** A Vonage account: a sandbox over HTTP, and the settings to reach it. */
export async function openAccount() {
  const world = testWorld();
  const handler: { app?: RequestListener } = {};
  const server = await listen((req, res) => handler.app?.(req, res), { port: 0, docsUrl: 'errors' });
  const url = `http://localhost:${server.port}`;
  const { app, state } = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: 'https://app.example.com/callback',
    publicUrl: () => url,
    world,
  });
  handler.app = app as RequestListener;
  const control = (method: string, path: string, body?: object) =>
    fetch(`${url}/__sandbox/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  return {
    url,
    applicationId,
    privateKeyPem,
    world,
    /** The templates of the sandbox, for states that the API cannot create. */
    shelf: state.templates,
    env: { VONAGE_APPLICATION_ID: applicationId, VONAGE_PRIVATE_KEY: privateKeyPem, VONAGE_BASE_URL: url },
    control,
    requests: async () => (await (await control('GET', 'requests')).json()) as Said[],
    close: () => server.drain(0),
  };
}

export type Account = Awaited<ReturnType<typeof openAccount>>;
