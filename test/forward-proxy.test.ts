import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createTransport, Unanswered, type Call } from '../src/vonage/transport.js';
import type { ProxySettings } from '../src/vonage/proxy.js';
import { newCertificate } from './support/certificate.js';

const CREDENTIALS = 'user:p%40ss';

/** A forward proxy on loopback, which notes what it is asked for and refuses what has no credentials. */
function openProxy(asked: string[]): Server {
  const proxy = createServer((_req, res) => res.writeHead(400).end());
  proxy.on('connect', (req, client, head) => {
    asked.push(String(req.url));
    client.on('error', () => undefined);
    const expected = `Basic ${Buffer.from(decodeURIComponent(CREDENTIALS)).toString('base64')}`;
    if (req.headers['proxy-authorization'] !== expected)
      return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const upstream = connect(Number(req.url?.split(':')[1]), 'localhost', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
  });
  return proxy;
}

describe('a forward proxy', () => {
  const asked: string[] = [];
  const received: string[] = [];
  const answer: RequestListener = (req, res) => {
    received.push(`${req.method ?? ''} ${req.url ?? ''}`);
    res.setHeader('content-type', 'application/json').end('{"ok":true}');
  };
  const certificate = newCertificate();
  const proxy = openProxy(asked);
  const vonage = createServer(answer);
  const vonageByTls = createTlsServer(certificate, answer);
  const servers = [proxy, vonage, vonageByTls];
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

  beforeAll(() => Promise.all(servers.map((server) => once(server.listen(0), 'listening'))));
  beforeEach(() => {
    asked.length = 0;
    received.length = 0;
  });
  afterAll(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });

  const call = (url: string): Call => ({
    ...{ api: 'token', method: 'POST', url, bearer: 'b', body: {}, deadlineMs: 3000, correlator: 'c' },
  });
  const post = (proxy: Partial<ProxySettings>) =>
    createTransport({ https: '', http: '', none: '', ...proxy })(
      call(`http://localhost:${portOf(vonage)}/oauth2/token`),
    );
  const through = (credentials = CREDENTIALS) => `http://${credentials}@localhost:${portOf(proxy)}`;

  test('is asked for a tunnel, with its credentials, and the call goes through it', async () => {
    expect(await post({ http: through() })).toMatchObject({ status: 200, json: { ok: true } });
    expect(asked).toEqual([`localhost:${portOf(vonage)}`]);
    expect(received).toEqual(['POST /oauth2/token']);
  });

  test('sees nothing of a call by https but the host', async () => {
    // In a process of its own, which believes the certificate.
    const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, certificate.cert);
    const script = `
      import { createTransport } from './src/vonage/transport.ts';
      const answer = await createTransport({ https: process.env.VIA, http: '', none: '' })(JSON.parse(process.env.CALL));
      console.log(answer.status);
      process.exit(0);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      {
        cwd: resolve(__dirname, '..'),
        env: {
          PATH: process.env['PATH'],
          NODE_EXTRA_CA_CERTS: ca,
          VIA: through(),
          CALL: JSON.stringify(call(`https://localhost:${portOf(vonageByTls)}/oauth2/token`)),
        },
      },
    );
    rmSync(folder, { recursive: true });
    expect(stdout.trim()).toBe('200');
    expect(asked).toEqual([`localhost:${portOf(vonageByTls)}`]);
    expect(received).toEqual(['POST /oauth2/token']);
  });

  test('is not used for a host that NO_PROXY names', async () => {
    expect(await post({ http: through(), none: 'example.com,localhost' })).toMatchObject({ status: 200 });
    expect(asked).toEqual([]);
  });

  test.each([
    ['refuses the credentials', () => through('user:wrong')],
    ['is not there', () => `http://${CREDENTIALS}@localhost:1`],
  ])('that %s is an error of a call that was not sent, which holds no credentials', async (_what, http) => {
    const error = await post({ http: http() }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unanswered);
    expect(error).toMatchObject({ code: 'upstream_error', sent: false });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).cause])).not.toMatch(
      /p%40ss|p@ss|wrong/,
    );
    expect(received).toEqual([]);
  });
});
