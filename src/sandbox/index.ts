import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { systemWorld } from '../core/world.js';
import { createSandbox } from './app.js';
import { newCredentials } from './credentials.js';
import type { Message, RecordedRequest } from './state/records.js';
import { refuseProduction, settingsFor } from './settings.js';
import { PhoneNumber, Subscriber } from './state/subscribers.js';

export interface StartSandboxOptions {
  /** Where the routes are: `PUBLIC_URL` and the path at which they are mounted. */
  baseUrl: string;
}

/** A sandbox for tests, with keys of its own (docs/mounting.md). */
export interface Sandbox {
  /** The base URL of Vonage and of the operator. Control routes are below `/__sandbox`. */
  url: string;
  /** Settings for the server, or for `createSilentAuth`, that lead to this sandbox. */
  env: Record<string, string>;
  /** The behaviour of numbers, by default as in the table of docs/sandbox.md. */
  subscribers: {
    of(number: string): Subscriber;
    /** @throws if the number is not in E.164, or the behaviour does not exist */
    set(number: string, subscriber: Subscriber): void;
    all(): Record<string, Subscriber>;
  };
  /** The messages and calls to all phones, in order, with their codes. */
  messages(): Message[];
  /** The requests of the server, in order, secrets included. */
  requests(): RecordedRequest[];
  /**
   * Ends the steps of Verify whose time is over by `Date.now()`, which nothing else does here, and
   * waits until the server has answered all webhooks.
   */
  tick(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a sandbox on a free port of localhost. @throws with `NODE_ENV=production` */
export async function startSandbox({ baseUrl }: StartSandboxOptions): Promise<Sandbox> {
  refuseProduction(process.env);
  const { origin, href } = new URL(baseUrl);
  const base = href.replace(/\/$/, '');
  const credentials = newCredentials();
  const { applicationId, privateKeyPem, apiKey, signatureSecret } = credentials;
  const { app, state, tick } = createSandbox({
    applicationId,
    publicKey: createPublicKey(privateKeyPem),
    redirectUri: `${base}/callback`,
    publicUrl: () => url,
    webhooks: { url: () => `${base}/webhooks/verify`, apiKey, signatureSecret },
    world: systemWorld(pino({ level: 'warn' })),
  });
  const server = app.listen(0, 'localhost');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: { ...settingsFor(url, credentials), PUBLIC_URL: origin },
    subscribers: {
      of: (number) => state.subscribers.of(number),
      set(number, subscriber) {
        state.subscribers.set(PhoneNumber.parse(number), Subscriber.parse(subscriber));
        state.changes.emit('subscribers');
      },
      all: () => state.subscribers.all(),
    },
    messages: () => [...state.messages.all()],
    requests: () => state.requests.all().filter(({ from }) => from === 'server'),
    async tick() {
      tick();
      await state.webhooks.settled();
    },
    async close() {
      state.webhooks.clear();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
