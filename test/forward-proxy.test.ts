import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createPublicKey } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { createSandbox } from '../src/sandbox/app.js';
import { createTransport } from '../src/http/transport.js';
import { built } from './support/built.js';
import { newCa } from './support/certificates.js';
import { openConnectProxy, PROXY_ANSWERS, type ConnectProxy } from './support/connect-proxy.js';
import { walk } from './support/device.js';
import {
  ALICE,
  camaraAt,
  postCode,
  startSystem,
  withSystem,
  WITH_CODES,
  type System,
} from './support/system.js';
import { credentials, endPrograms, LISTENING, node, type Env } from './support/programs.js';
import { freePort } from './support/redis-server.js';
import { testWorld } from './support/world.js';

/** Has all characters that need percent-encoding. Must not appear in a log. */
const PASSWORD = 'hunter2@:/?#% ü';
const USER = 'bff';
const ENCODED = `${USER}:${encodeURIComponent(PASSWORD)}`;
const SECRET = /hunter2|YmZmOmh1bnRlcj/;

let proxy: ConnectProxy;
beforeAll(async () => (proxy = await openConnectProxy()));
beforeEach(() => proxy.reset());
afterEach(endPrograms);
afterAll(() => proxy.close());

const proxyUrl = () => `http://${ENCODED}@127.0.0.1:${proxy.port}`;
const begin = (system: System) => system.app().post('/login').send({ phone_number: ALICE });

describe('over TLS, a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  const ca = newCa();
  writeFileSync(join(folder, 'ca.pem'), ca.certificate);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Vonage over TLS for the server, and over http for devices, which lack our CA. */
  const openVonage = async (own: Env, isIssuer: boolean) => {
    const handler: { app?: RequestListener } = {};
    const listener: RequestListener = (req, res) => handler.app?.(req, res);
    const [front, back] = [createHttpServer(listener), createTlsServer(ca.issue(), listener)];
    await Promise.all([front, back].map((each) => once(each.listen(0), 'listening')));
    const portOf = (server: typeof front) => (server.address() as AddressInfo).port;
    const [device, secure] = [`http://localhost:${portOf(front)}`, `https://localhost:${portOf(back)}`];
    const { app, state } = createSandbox({
      applicationId: own['VONAGE_APPLICATION_ID'] ?? '',
      publicKey: createPublicKey(own['VONAGE_PRIVATE_KEY'] ?? ''),
      redirectUri: `${own['PUBLIC_URL']}/callback`,
      publicUrl: () => (isIssuer ? secure : device),
      // The operator accepts no assertion of the future.
      world: { ...testWorld(), now: () => Date.now() },
    });
    handler.app = app as RequestListener;
    return {
      env: {
        VONAGE_BASE_URL: secure,
        AUTH_URL_HOSTS: new URL(device).host,
        ...{ ...camaraAt(secure), CAMARA_PRIVATE_KEY: own['VONAGE_PRIVATE_KEY'] ?? '' },
      },
      at: new URL(secure).host,
      open: (link: unknown) => walk(String(link).replace(secure, device)),
      messages: () => state.messages.all(),
      stop: () => {
        for (const each of [front, back]) {
          each.close();
          each.closeAllConnections();
        }
      },
    };
  };

  const withServer = async (
    env: (proxyUrl: string) => Env,
    work: (server: {
      app: ReturnType<typeof supertest.agent>;
      vonage: Awaited<ReturnType<typeof openVonage>>;
    }) => Promise<void>,
  ): Promise<string> => {
    const port = await freePort();
    const own = { ...credentials(), PORT: `${port}`, PUBLIC_URL: `http://localhost:${port}` };
    const settings = env(proxyUrl());
    const vonage = await openVonage(own, settings['SILENT_AUTH'] === 'camara');
    const shared = {
      LOG_LEVEL: 'debug',
      MAX_UTILIZATION: '100',
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    };
    try {
      const server = node(built('main.js'), { ...own, ...shared, ...vonage.env, ...settings });
      await server.said(LISTENING);
      await work({ app: supertest.agent(own.PUBLIC_URL), vonage });
      server.child.kill('SIGTERM');
      return (await server.ended).output;
    } finally {
      vonage.stop();
    }
  };
  const logIn = async ({ app, vonage }: Parameters<Parameters<typeof withServer>[1]>[0]) => {
    const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
    const { json } = await vonage.open(begun.body.auth_url);
    await app.post('/verify').send({ code: json?.['code'] }).expect(200);
  };

  test('uses the proxy of HTTPS_PROXY, silently and by SMS, and does not leak its password', async () => {
    const output = await withServer(
      (url) => ({ HTTPS_PROXY: url, ...WITH_CODES }),
      async ({ app, vonage }) => {
        await logIn({ app, vonage });
        await app.post('/login').send({ phone_number: ALICE }).expect(201);
        await app.post('/login/next').send({ channel: 'sms' }).expect(200);
        await app.post('/verify').send({ code: vonage.messages()[0]?.code }).expect(200);
        // One tunnel: connections are kept.
        expect(proxy.asked).toEqual([{ to: vonage.at, credentials: `${USER}:${PASSWORD}` }]);
        proxy.answer('requires credentials with 407');
        proxy.breakTunnels();
        for (let each = 0; each < 2; each++) await app.post('/login').send({ phone_number: ALICE });
      },
    );
    expect(output).toContain('PROXY_407');
    expect(output).not.toMatch(SECRET);
  });

  test('uses the proxy of http_proxy for an operator of the CAMARA profile', async () => {
    const output = await withServer(
      (url) => ({ http_proxy: url, SILENT_AUTH: 'camara' }),
      async (server) => {
        await logIn(server);
        // The keys of ID tokens are fetched while the token connection still ends its answer.
        const tunnel = { to: server.vonage.at, credentials: `${USER}:${PASSWORD}` };
        expect(proxy.asked).toEqual([tunnel, tunnel]);
      },
    );
    expect(output).not.toMatch(SECRET);
  });

  test('connects directly if NO_PROXY names Vonage', async () => {
    await withServer((url) => ({ HTTPS_PROXY: url, NO_PROXY: 'example.com,localhost' }), logIn);
    expect(proxy.asked).toEqual([]);
  });

  /** Begins a login in this process, which trusts no CA of ours. @returns the log */
  const refuse = async (env: Env): Promise<string> => {
    const vonage = createTlsServer(ca.issue(), (_req, res) => res.end('{}')).listen(0);
    await once(vonage, 'listening');
    const { port } = vonage.address() as AddressInfo;
    const between = () => `https://localhost:${port}`;
    let log = '';
    await withSystem({ env, between }, async (system) => {
      expect((await begin(system)).body).toMatchObject({ status: 502, error: 'upstream_error' });
      log = system.world.logged();
    });
    vonage.close();
    vonage.closeAllConnections();
    return log;
  };

  test('rejects a certificate of another CA, and sends nothing', async () => {
    const log = await refuse({ HTTPS_PROXY: proxyUrl() });
    // One retry, because nothing was sent.
    expect(proxy.asked).toHaveLength(2);
    expect(log).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  test('rejects a certificate of another CA also where no proxy is set', async () => {
    expect(await refuse({})).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});

describe('a proxy that', () => {
  const env = () => ({ HTTP_PROXY: proxyUrl() });
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: env() })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());
  const failing = (Object.keys(PROXY_ANSWERS) as (keyof typeof PROXY_ANSWERS)[]).filter(
    (how) => how !== 'opens the tunnel' && how !== 'never answers',
  );

  test.each(failing)(
    '%s is an error at once, and a beginning is retried once because nothing was sent',
    async (how) => {
      const { length } = system.world.logged();
      proxy.answer(how);
      const refused = await begin(system);
      expect(refused.body).toMatchObject({ status: 502, error: 'upstream_error' });
      expect(proxy.asked).toHaveLength(2);
      expect(await system.upstream()).toEqual([]);
      const logged = system.world.logged().slice(length);
      expect(logged).toMatch(/"error":"PROXY_[A-Z0-9_]+"|"error":"PROXY_unknown"/);
      expect(logged).not.toMatch(SECRET);
      // The next call uses the proxy again.
      proxy.answer('opens the tunnel');
      await begin(system).expect(201);
      expect(proxy.asked).toHaveLength(3);
    },
  );

  test('does not accept connections is an error at once', () =>
    withSystem({ env: { HTTP_PROXY: 'http://127.0.0.1:1' } }, async (other) => {
      expect((await begin(other)).body).toMatchObject({ status: 502, error: 'upstream_error' });
      expect(other.world.logged()).toContain('"error":"PROXY_ECONNREFUSED"');
    }));

  test('never answers is an error at the deadline of the call', async () => {
    proxy.answer('never answers');
    expect((await begin(system)).body).toMatchObject({ status: 504, error: 'upstream_timeout' });
    expect(proxy.asked).toHaveLength(1);
  });

  test('ends the connection after a message was requested does not cause a second request', async () => {
    await withSystem({ env: { ...env(), ...WITH_CODES, SILENT_AUTH: 'off' } }, async (other) => {
      const app = other.app();
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      proxy.breakTunnels();
      expect((await app.post('/login/next').send({})).body).toMatchObject({ status: 502 });
      expect(proxy.asked).toHaveLength(1);
      expect((await other.upstream()).length).toBeLessThanOrEqual(1);
    });
  });

  test.each([
    ['network-enablement', 1],
    ['camara', 2],
  ])('forwards calls does not change a login by %s', async (engine, tunnels) => {
    await withSystem({ env: { ...env(), SILENT_AUTH: engine } }, async (other) => {
      const { app, code } = await other.walkedLogin();
      await postCode(app, code).expect(200);
      expect(proxy.asked).toHaveLength(tunnels);
    });
  });

  test('passes on an answer of more than 64 KiB, or a redirect, does not change how they are handled', async () => {
    const server = createHttpServer((req, res) => {
      const bytes = Number(req.url?.slice(1));
      if (bytes === 0) return void res.writeHead(307, { location: 'http://localhost:1/' }).end();
      res.setHeader('content-type', 'application/json').end(JSON.stringify('x'.repeat(bytes)));
    });
    await once(server.listen(0), 'listening');
    const { port } = server.address() as AddressInfo;
    const transport = createTransport({ http: env().HTTP_PROXY, https: '', none: '' });
    const ask = (bytes: number) =>
      transport({
        ...{ api: 'x', method: 'POST', url: `http://localhost:${port}/${bytes}`, bearer: 'b', body: {} },
        ...{ timeoutMs: 5000, requestId: 'c' },
      });
    expect(await ask(60_000)).toMatchObject({ status: 200, json: 'x'.repeat(60_000) });
    expect(await ask(0)).toMatchObject({ status: 307 });
    await expect(ask(70_000)).rejects.toMatchObject({ code: 'upstream_error', sent: true });
    proxy.answer('refuses with 403');
    await expect(ask(1)).rejects.toMatchObject({ code: 'upstream_error', sent: false });
    server.close();
    server.closeAllConnections();
  });
});
