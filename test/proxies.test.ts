import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request, type RequestOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';
import { built } from './support/built.js';
import { newCa } from './support/certificates.js';
import { accessLogIn, eachProxy } from './support/installed-proxies.js';
import { ALICE } from './support/system.js';
import { credentials, endPrograms, LISTENING, node, places, SANDBOX } from './support/programs.js';
import { openProxy, type Proxy as Relay } from './support/proxy.js';
import { freePort } from './support/redis-server.js';
import { until } from './support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'proxies-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const ca = newCa();
const { cert, key } = ca.issue();
const trusted = file('ca.pem', ca.certificate);
const [certPath, keyPath] = [file('own.pem', cert + key), file('own.key', key)];

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Of one proxy after another. */
let port: number;
let base: string;
let serverPort: number;
/** Between the proxy and the server. */
let relay: Relay;
beforeAll(async () => {
  const { port: own, env } = await places();
  [port, serverPort] = [await freePort(), own];
  base = `https://localhost:${port}`;
  const all = { ...credentials(), ...env, PUBLIC_URL: base, TRUST_PROXY: '1' };
  await node(built('sandbox/main.js'), all).said(SANDBOX);
  await node(built('main.js'), all).said(LISTENING);
  relay = await openProxy(serverPort);
});
afterAll(async () => {
  await Promise.all([endPrograms(), relay.close()]);
  rmSync(folder, { recursive: true });
});

eachProxy('%s, as deploy/proxies has it,', (_name, proxy) => {
  let child: ChildProcess;
  let said = '';

  beforeAll(async () => {
    relay.leadTo(serverPort);
    await relay.mend();
    // The second server does not answer.
    child = spawn(
      proxy.program,
      proxy.start({
        folder,
        port,
        upstreams: [relay.port, await freePort()],
        tls: { certificate: certPath, key: keyPath },
      }),
      {
        env: { PATH: process.env['PATH'], HOME: folder },
      },
    );
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (said += String(chunk)));
    const served = async () => (await get('/healthz').catch(() => 0)) === 200;
    await until(served, 20).catch((error: unknown) => {
      throw new Error(`the proxy serves nothing: ${said}`, { cause: error });
    });
  });
  afterAll(async () => {
    const closed = once(child, 'close');
    if (child.kill('SIGKILL')) await closed;
  });

  const ask = (
    path: string,
    { place = base, ...more }: RequestOptions & { place?: string } = {},
  ): Promise<Answer> =>
    new Promise((answered, failed) => {
      const options = { ca: ca.certificate, agent: false, ...more };
      const asking = request(`${place}${path}`, options, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += String(chunk)));
        response.once('end', () =>
          answered({ status: response.statusCode, headers: response.headers, body }),
        );
      });
      asking.once('error', failed).end();
    });
  const get = async (path: string, headers = {}) => (await ask(path, { headers })).status;

  test.each(['ios', 'android'])("lets a phone with Vonage's SDK for %s log in", async (sdk) => {
    const env = { NODE_EXTRA_CA_CERTS: trusted };
    const phone = node([...built('tools/cli.js'), 'phone', base, ALICE, '--sdk', sdk, '--trace'], env);
    const { code, output } = await phone.ended;
    expect([output, code]).toEqual([
      expect.stringMatching(/^Logged in as \+447700900000 by silent_auth/m),
      0,
    ]);
  });

  test('closes the connection after the answer of /callback, and of no other route', async () => {
    const endsAfter = async (path: string): Promise<boolean> => {
      const socket = connect({ host: 'localhost', port, ca: ca.certificate, servername: 'localhost' });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
      await once(socket, 'data');
      const ended = once(socket.resume(), 'end').then(() => true);
      const hasEnded = await Promise.race([ended, pause(1000, false)]);
      socket.destroy();
      return hasEnded;
    };
    expect(await endsAfter('/callback?code=x&state=x')).toBe(true);
    expect(await endsAfter('/session')).toBe(false);
  });

  test('speaks HTTP/2 with browsers, also where it closes the connection', async () => {
    const session = connectHttp2(base, { ca: ca.certificate });
    const asked = session.request({ ':path': '/callback?code=x&state=x' });
    const [headers] = (await once(asked, 'response')) as [Record<string, string>];
    const body = await asked.setEncoding('utf8').reduce((text, part) => `${text}${String(part)}`, '');
    const { alpnProtocol } = session;
    session.destroy();
    expect([alpnProtocol, headers[':status']]).toEqual(['h2', 400]);
    expect(JSON.parse(body)).toMatchObject({ error: 'invalid_request' });
  });

  const HEAD = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n`;
  const ofLength = (bytes: number): string => `${HEAD}Content-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;
  const refusals: [string, string[], string][] = [
    ['a body that the server refuses', [ofLength(20_000)], '413 payload_too_large'],
    ['a body that no example accepts', [ofLength(300_000)], '413 payload_too_large'],
    ['a body that is not valid HTTP', [CHUNKED, 'no chunk\r\n'], '400 invalid_request'],
    ['a request line that is not valid HTTP', ['GET\r\n\r\n'], '400 invalid_request'],
    ['headers that are too large', [`${HEAD}Cookie: ${'x'.repeat(40_000)}\r\n\r\n`], '400 invalid_request'],
  ];
  /** Before it has the headers, only nginx answers as configured. */
  const isConfigured = ([, parts]: (typeof refusals)[number]): boolean =>
    proxy.program === 'nginx' || !/^GET|Cookie/m.test(parts.join());
  test.each(refusals.filter(isConfigured))('answers %s with a problem', async (_what, parts, expected) => {
    const socket = connect({ host: 'localhost', port, ca: ca.certificate, servername: 'localhost' });
    let received = '';
    // It may close the connection before it has read everything.
    socket.on('data', (chunk: Buffer) => (received += String(chunk))).on('error', () => undefined);
    for (const part of parts) {
      if (part !== parts[0]) await until(() => Promise.resolve(received.includes('100 Continue')));
      socket.write(part);
    }
    await until(() => Promise.resolve(/"error":"\w+"|<\/html>/.test(received)));
    socket.destroy();
    const answer = received.slice(received.lastIndexOf('HTTP/1.1'));
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    const [, status] = /^HTTP\/1.1 (\d+)/.exec(answer) ?? [];
    expect(`${status} ${/"error":"(\w+)"/.exec(answer)?.[1]}`).toBe(expected);
  });

  /** Replaces the server by one that answers as soon as it has the headers. */
  const withEcho = async (
    work: (received: IncomingMessage[]) => Promise<void>,
    readinessMs = 0,
  ): Promise<void> => {
    await relay.close();
    const received: IncomingMessage[] = [];
    const echo = createServer((message, answer) => {
      received.push(message);
      if (message.url === '/readyz') setTimeout(() => answer.end(), readinessMs);
      else if (message.url === '/session/cut') message.socket.destroy();
      else answer.end();
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    relay.leadTo((echo.address() as AddressInfo).port);
    await relay.mend();
    try {
      await work(received);
    } finally {
      await relay.close();
      echo.close();
      echo.closeAllConnections();
    }
  };

  test('forwards a code of 8,192 characters', async () => {
    expect(await get(`/callback?code=${'c'.repeat(8192)}&state=a${'s'.repeat(43)}`)).toBe(410);
  });

  test('appends the client address, and keeps the Host header', () =>
    withEcho(async (received) => {
      await until(async () => (await get('/session', { 'X-Forwarded-For': '203.0.113.7' })) === 200);
      // A health check may have come after it.
      const last = received.findLast(({ url }) => url === '/session')?.headers;
      expect(last?.['x-forwarded-for']).toMatch(/(?:^|, ?)127\.0\.0\.1$/);
      expect(last?.['host']).toBe(`localhost:${port}`);
    }));

  test('goes on using a server that is busy for less than a second', () =>
    withEcho(async (received) => {
      const checks = () => received.filter(({ url }) => url === '/readyz').length;
      // nginx does not check.
      if (proxy.program !== 'nginx') await until(() => Promise.resolve(checks() >= 3));
      expect(await get('/session')).toBe(200);
    }, 800));

  const login = JSON.stringify({ phone_number: ALICE });
  const lengths = [`Content-Length: ${login.length}`, 'Transfer-Encoding: chunked'];
  test.each(lengths)('forwards a request only after its whole body arrived: %s', (length) =>
    withEcho(async (received) => {
      await until(async () => (await get('/session')) === 200);
      const text = length.startsWith('T') ? `${login.length.toString(16)}\r\n${login}\r\n0\r\n\r\n` : login;
      const type = 'Content-Type: application/json';
      const head = `POST /login HTTP/1.1\r\nHost: localhost:${port}\r\n${type}\r\n${length}\r\n\r\n`;
      const slow = Array.from({ length: 20 }, () => {
        const socket = connect({ host: 'localhost', port, ca: ca.certificate, servername: 'localhost' });
        socket.on('error', () => undefined).write(head + text.slice(0, -1));
        return socket;
      });
      await Promise.all(slow.map((socket) => once(socket, 'secureConnect')));
      // Later requests have arrived, so the proxy has read the earlier ones.
      for (let each = 0; each < 20; each++) expect(await get('/session')).toBe(200);
      const posts = () => received.filter(({ method }) => method === 'POST');
      expect(posts()).toEqual([]);
      for (const socket of slow) socket.write(text.slice(-1));
      await until(() => Promise.resolve(posts().length === slow.length));
      for (const socket of slow) socket.destroy();
    }),
  );

  const expectUnavailable = ({ status, headers, body }: Answer): void => {
    expect([status, headers['retry-after'], headers['content-type']]).toEqual([
      ...[503, '1', 'application/problem+json'],
    ]);
    expect(JSON.parse(body)).toMatchObject({ status: 503, error: 'unavailable', retry_after: 1 });
  };

  /** Runs a second proxy, whose times of 30 and 50 seconds are one second. */
  const withShortTimes = async (upstream: number, work: (place: string) => Promise<void>): Promise<void> => {
    const site = {
      ...{ folder, port: await freePort(), upstreams: [upstream, await freePort()] as const, time: '1s' },
      tls: { certificate: certPath, key: keyPath },
    };
    const second = spawn(proxy.program, proxy.start(site), {
      env: { PATH: process.env['PATH'], HOME: folder },
      stdio: 'ignore',
    });
    try {
      await work(`https://localhost:${site.port}`);
    } finally {
      second.kill('SIGKILL');
    }
  };

  test('waits for an answer, and keeps an idle connection, no longer than the file says', async () => {
    const usedAt = new Map<Socket, number>();
    const server = createServer(({ socket, url }, answer) => {
      usedAt.set(socket, performance.now());
      socket.once('close', () => usedAt.delete(socket));
      if (url !== '/session/hangs') answer.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = new Agent({ keepAlive: true });
    try {
      await withShortTimes((server.address() as AddressInfo).port, async (place) => {
        const status = () =>
          ask('/session', { place, agent }).then(
            (answer) => answer.status,
            () => 0,
          );
        await until(async () => (await status()) === 200);
        await Promise.all([status(), status(), status()]);
        await pause(2500);
        // Health checks may use some of them.
        const idleMs = [...usedAt.values()].map((at) => performance.now() - at);
        expect(Math.max(0, ...idleMs)).toBeLessThan(2000);
        expectUnavailable(await ask('/session/hangs', { place }));
      });
    } finally {
      agent.destroy();
      server.close().closeAllConnections();
    }
  });

  test('answers with a problem if the server ends before its answer', () =>
    withEcho(async () => {
      await until(async () => (await get('/session')) === 200);
      expectUnavailable(await ask('/session/cut'));
    }));

  test('answers with a problem if no server answers', async () => {
    await relay.close();
    expectUnavailable(await ask('/session'));
  });

  test('logs no query, even if no server answers', async () => {
    await relay.close();
    expect(await get('/callback?code=hunter2&state=hunter3')).toBeGreaterThanOrEqual(500);
    // The last output is complete after the process ended.
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
    const log = said + (existsSync(accessLogIn(folder)) ? readFileSync(accessLogIn(folder), 'utf8') : '');
    expect(log).toMatch(/\/callback.*50\d/s);
    expect(log).not.toMatch(/hunter|code=|state=/);
  });
});
