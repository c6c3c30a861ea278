import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { openLink, SDKS } from '../src/tools/phone/open-link.js';
import { newCertificate } from './support/certificate.js';

/** A received request, and its connection. */
interface Asked {
  text: string;
  connection: number;
}

let server: Server;
let asked: Asked[] = [];
/** The answer to each request in turn; the last one repeats. */
let answers: string[] = [];
let here: string;
let there: string;

beforeAll(async () => {
  let connections = 0;
  server = createServer((socket) => {
    const connection = connections++;
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        // The answer says that the connection closes.
        if (socket.writableEnded) return;
        const answer =
          answers[Math.min(asked.push({ text: chunk.toString(), connection }), answers.length) - 1] ?? '';
        socket.write(answer.replaceAll('<here>', here).replaceAll('<there>', there));
        if (!answer.includes('keep-alive')) socket.end();
      });
  }).listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  [here, there] = [`http://localhost:${port}`, `http://127.0.0.1:${port}`];
});
afterAll(() => server.close());

const HOME = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"code":"c"}';
const to = (place: string, ...more: string[]): string =>
  ['HTTP/1.1 302 Found', `Location: ${place}`, ...more, '\r\n'].join('\r\n');

const open = (sdk: keyof typeof SDKS, path: string, ...all: string[]) => {
  [asked, answers] = [[], all];
  return openLink(here + path, SDKS[sdk], { headers: { 'X-App': 'mine' } });
};
const linesOf = (request: number): string[] => asked[request]?.text.split('\r\n') ?? [];
const cookiesOf = (request: number): string[] =>
  linesOf(request).filter((line) => line.startsWith('Cookie:'));

test.each(['ios', 'android'] as const)('the SDK for %s returns the code of the last answer', async (sdk) => {
  const { result, hops } = await open(sdk, '/a', to('<there>/b'), to('/c'), HOME);
  expect(result).toEqual({ http_status: 200, response_body: { code: 'c' } });
  expect(hops).toEqual([`${here}/a`, `${there}/b`, `${there}/c`]);
});

test('the SDK for iOS sends the headers of the app to every host', async () => {
  await open('ios', '/a?b=c', to('<there>/d'), HOME);
  const { host } = new URL(there);
  expect(linesOf(1)).toEqual([
    'GET /d HTTP/1.1',
    `Host: ${host}`,
    'X-App: mine',
    'User-Agent: vonage-client-library-ios/1.0.5-beta iOS/26.0 ',
    'Accept: text/html,application/xhtml+xml,application/xml,*/*',
    'Connection: close',
    '',
    '',
  ]);
  expect(linesOf(0)[0]).toBe('GET /a?b=c HTTP/1.1');
});

test('the SDK for Android sends the headers of the app to the first hop only, and one id to all hops', async () => {
  await open('android', '/a', to('<there>/d'), HOME);
  expect(linesOf(0)).toContain('X-App: mine');
  expect(linesOf(0)).toContain('x-silentauth-ops: 00101');
  const id = linesOf(0).find((line) => line.startsWith('x-silentauth-sdk-request: '));
  expect(id).toMatch(/: [0-9a-f-]{36}$/);
  expect(linesOf(1)).toEqual([
    'GET /d HTTP/1.1',
    `Host: ${new URL(there).host}`,
    'User-Agent: vonage-client-library-android/1.2.0/36 Android/16 Google/Pixel 10',
    id,
    'Accept: text/html,application/xhtml+xml,application/xml,*/*',
    'Connection: close',
    '',
    '',
  ]);
});

test('the SDK for iOS sends a path decoded, and without its trailing slash before a query', async () => {
  await open('ios', '/a%2Bb/?c=%2B', HOME);
  expect(linesOf(0)[0]).toBe('GET /a+b?c=%2B HTTP/1.1');
  await open('android', '/a%2Bb/?c=%2B', HOME);
  expect(linesOf(0)[0]).toBe('GET /a%2Bb/?c=%2B HTTP/1.1');
});

/** The header of a hop, and the cookie then sent to the same host and to another. */
test.each([
  ['ios', 'Set-Cookie: a=b', 'Cookie: a=b', undefined],
  ['ios', 'Set-Cookie: a=b; Path=/c; Max-Age=0', 'Cookie: a=b', undefined],
  ['ios', 'Set-Cookie: a=b; Domain=localhost', undefined, undefined],
  ['ios', 'Set-Cookie: a=b; Secure', undefined, undefined],
  ['android', 'Set-Cookie: a=b', 'Cookie: a=b', 'Cookie: a=b'],
  ['android', 'Set-Cookie: a=b; Path=/c; Max-Age=0', 'Cookie: a=b', undefined],
  ['android', 'Set-Cookie: a=b; Domain=localhost', 'Cookie: a=b', undefined],
  ['android', 'Set-Cookie: a=b; Secure', undefined, undefined],
] as const)(
  'the SDK for %s sends the cookie of "%s" to the hosts that its rules select',
  async (sdk, line, near, far) => {
    await open(sdk, '/a', to('<here>/c', line), to('<there>/d'), HOME);
    expect([cookiesOf(1)[0], cookiesOf(2)[0]]).toEqual([near, far]);
  },
);

test('the SDK for iOS follows ten redirects', async () => {
  const chain = (redirects: number): string[] => [...Array<string>(redirects).fill(to('<here>/again')), HOME];
  expect((await open('ios', '/a', ...chain(10))).result).toHaveProperty('http_status', 200);
  const { result, broken } = await open('ios', '/a', ...chain(11));
  expect(result).toEqual({ error: 'sdk_redirect_error', error_description: 'Too many redirects' });
  expect(broken).toMatchObject([{ rule: 'redirects' }]);
});

test('the SDK for Android follows eight redirects, and fails at the ninth although it has the answer', async () => {
  const chain = (redirects: number): string[] => [...Array<string>(redirects).fill(to('<here>/again')), HOME];
  expect((await open('android', '/a', ...chain(8))).result).toHaveProperty('http_status', 200);
  const { result, broken } = await open('android', '/a', ...chain(9));
  expect(asked).toHaveLength(10);
  expect(result).toEqual({ error: 'sdk_redirect_error', error_description: 'Too many redirects' });
  expect(broken).toMatchObject([{ rule: 'redirects' }]);
});

test('the SDK for Android reuses the connection to a host if the redirect has a Content-Length', async () => {
  const staying = to('<here>/b', 'Content-Length: 0', 'Connection: keep-alive');
  await open('android', '/a', staying, HOME);
  expect(asked.map(({ connection }) => connection)).toEqual([asked[0]?.connection, asked[0]?.connection]);
  expect(linesOf(1)).not.toContain('Connection: close');
  const closing = await open('android', '/a', to('<here>/b', 'Content-Length: 0'), HOME);
  expect(closing.result).toEqual({ http_status: 0 });
  expect(closing.broken).toMatchObject([{ rule: 'same host' }]);
});

test('the SDK for Android opens http links only on loopback', async () => {
  const { result, broken, hops } = await openLink('http://login.invalid/', SDKS.android);
  expect([result, hops]).toEqual([{ nothing: 'it throws' }, []]);
  expect(broken).toMatchObject([{ rule: 'https' }]);
});

test('the SDK for iOS follows the first header that contains "ocation: "', async () => {
  const { hops } = await open(
    'ios',
    '/a',
    to('<here>/c').replace('Location', 'Content-Location: /b\r\nLocation'),
    HOME,
  );
  expect(hops).toEqual([`${here}/a`, `${here}/b`]);
});

test.each(['ios', 'android'] as const)(
  'the SDK for %s sends the host name in TLS, and none for an IP address',
  async (sdk) => {
    const names: string[] = [];
    const tls = createTlsServer({
      ...newCertificate(),
      SNICallback: (name, done) => {
        names.push(name);
        done(null);
      },
    });
    tls.on('tlsClientError', () => undefined);
    await once(tls.listen(0), 'listening');
    const { port } = tls.address() as AddressInfo;
    try {
      // Its certificate is not trusted.
      for (const host of ['localhost', '127.0.0.1'])
        expect((await openLink(`https://${host}:${port}/`, SDKS[sdk])).broken).toHaveLength(1);
      expect(names).toEqual(['localhost']);
    } finally {
      tls.close();
    }
  },
);
