import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Device } from '../src/tools/phone/sdk.js';
import { openLink, SDKS, systemDevice } from '../src/tools/phone/open-link.js';
import { ALICE, startSystem } from './support/system.js';

/** The pieces of an answer. The connection closes after the last, unless `open` is set. */
interface Sent {
  pieces: (string | Buffer)[];
  stays?: boolean;
}

/** An answer of the real server, of which each row breaks one property. */
const real = { answer: '', head: '', body: '' };

const sockets = new Set<Socket>();
let server: Server;
let base: string;
let sent: Sent = { pieces: [] };

/** Sends each piece after the one before was delivered, so that the reader gets each alone. */
const sendPieces = async (socket: Socket): Promise<void> => {
  for (const piece of sent.pieces) {
    socket.write(typeof piece === 'string' ? piece.replaceAll('<base>', base) : piece);
    for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
  }
  if (!sent.stays) socket.end();
};

beforeAll(async () => {
  const system = await startSystem({ store: 'memory' });
  const { home } = await system.walkedLogin(ALICE);
  await system.stop();
  real.body = home.body;
  const names = ['content-type', 'content-length', 'connection', 'cache-control'];
  const spelt = (name: string) => name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
  real.head = [
    'HTTP/1.1 200 OK',
    ...names.map((name) => `${spelt(name)}: ${home.headers[name] ?? ''}`),
    '\r\n',
  ].join('\r\n');
  real.answer = real.head + real.body;
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => void sendPieces(socket));
  }).listen(0, 'localhost');
  await once(server, 'listening');
  base = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  sockets.forEach((socket) => socket.destroy());
  server.close();
});

/** Short timeouts for tests. */
const device: Device = {
  ...systemDevice(),
  ...{ connectTimeoutMs: 2000, chainTimeoutMs: 300, answerTimeoutMs: 100, readRestMs: 100 },
};

const receive = (sdk: keyof typeof SDKS, answer: Sent) => {
  sent = answer;
  return openLink(`${base}/callback?code=c&state=s`, SDKS[sdk], { device });
};

const lowerCased = (head: string): string => head.replaceAll(/^[\w-]+(?=:)/gm, (name) => name.toLowerCase());
const withHead = (change: (head: string) => string): Sent => ({ pieces: [change(real.head) + real.body] });
const chunked = (pieces: string[], name = 'Transfer-Encoding'): Sent => {
  const chunks = [...pieces, ''].map((each) => `${each.length.toString(16)}\r\n${each}\r\n`);
  return { pieces: [real.head.replace(/Content-Length: .*/, `${name}: chunked`) + chunks.join('')] };
};
const halves = (): string[] => [real.body.slice(0, 1), real.body.slice(1)];
const withType = (type: string): Sent =>
  withHead((head) => head.replace('Content-Type: application/json', type === '' ? 'X-Type: none' : type));
const withBody = (body: string | Buffer, more = ''): Sent => ({
  pieces: [
    Buffer.concat([
      Buffer.from(real.head.replace(/Content-Length: \d+/, `Content-Length: ${body.length}${more}`)),
      Buffer.from(body),
    ]),
  ],
});
const status = (line: string): Sent => withHead((head) => head.replace('200 OK', line));
const redirect = (location: string, more = ''): Sent => ({
  pieces: [`HTTP/1.1 302 Found\r\n${location}\r\n${more}Connection: close\r\n\r\n`],
});

type Row = [what: string, answer: () => Sent, ios: string[], android: string[]];

/** Each answer breaks one rule. SDKs with that rule report it, and return no body. */
const BROKEN: Row[] = [
  ['in two segments', () => ({ pieces: [real.head, real.body] }), ['one segment'], []],
  ['with headers in lower case', () => withHead(lowerCased), ['spelling of Content-Type'], []],
  ['in two chunks', () => chunked(halves()), ['chunks'], ['chunks']],
  ['in a chunk, in lower case', () => chunked([real.body], 'transfer-encoding'), ['chunks'], []],
  ['as HTML', () => withType('Content-Type: text/html'), ['media type'], ['media type']],
  ['without a media type', () => withType(''), ['media type'], ['media type']],
  [
    'with a charset behind a semicolon',
    () => withType('Content-Type: application/json;charset=utf-8'),
    [],
    ['media type'],
  ],
  [
    'with a media type in upper case',
    () => withType('Content-Type: Application/JSON'),
    ['media type'],
    ['media type'],
  ],
  [
    'compressed',
    () => withBody(gzipSync(real.body), '\r\nContent-Encoding: gzip'),
    ['compression'],
    ['compression'],
  ],
  ['with text after the JSON', () => withBody(`${real.body}]`), ['JSON'], []],
  ['with truncated JSON', () => withBody('{"code": "c"'), ['JSON'], ['JSON']],
  ['with text instead of JSON', () => withBody('"code"'), ['JSON'], ['JSON']],
  ['with status 203', () => status('203 Non-Authoritative Information'), ['status'], []],
  ['with status 520', () => status('520 Unknown'), ['status'], []],
  ['on a connection that stays open', () => ({ pieces: [real.answer], stays: true }), [], ['closing']],
  ['that never arrives', () => ({ pieces: [], stays: true }), ['answer'], ['answer']],
  ['that is empty', () => ({ pieces: [] }), ['answer'], ['answer']],
  ['that redirects without a Location', () => redirect('X-Place: none'), ['Location'], ['Location']],
  ['with a Location in upper case', () => redirect('LOCATION: <base>/'), ['Location'], ['Location']],
  ['that redirects for ever', () => redirect('Location: <base>/'), ['redirects'], ['redirects']],
  [
    'that redirects to the same host, with a length',
    () => redirect('Location: <base>/', 'Content-Length: 0\r\n'),
    ['redirects'],
    ['same host'],
  ],
  [
    'that redirects to http on another host',
    () => redirect('Location: http://login.invalid/'),
    ['connection'],
    ['https'],
  ],
];

/** Answers that every SDK reads. */
const READ: Row[] = [
  ['as the server sends it', () => ({ pieces: [real.answer] }), [], []],
  ['without a length', () => withHead((head) => head.replace(/Content-Length: .*\r\n/, '')), [], []],
  ['in one chunk', () => chunked([real.body]), [], []],
  ['with a charset', () => withType('Content-Type: application/json; charset=utf-8'), [], []],
  [
    'with a cookie, which is not kept',
    () => withHead((head) => head.replace('\r\n', '\r\nSet-Cookie: a=b\r\n')),
    [],
    [],
  ],
];

describe.each(['ios', 'android'] as const)('with the SDK for %s, an answer', (sdk) => {
  const rows = (table: Row[]) =>
    table.map(([what, answer, ios, android]) => [what, answer, sdk === 'ios' ? ios : android] as const);
  const isRead = ([, , rules]: readonly [string, () => Sent, string[]]): boolean => rules.length === 0;

  test.each(rows([...READ, ...BROKEN]).filter(isRead))('%s is read', async (_what, answer) => {
    const { result, broken } = await receive(sdk, answer());
    expect(broken).toEqual([]);
    expect(result).toHaveProperty('http_status');
    if (!/^HTTP\/1.1 5/.test(String(answer().pieces[0]))) expect(result).toHaveProperty('response_body.code');
  });

  test.each(rows(BROKEN).filter((row) => !isRead(row)))(
    '%s is not read, with the reason',
    async (_what, answer, rules) => {
      const { result, broken } = await receive(sdk, answer());
      expect(broken.map(({ rule }) => rule)).toEqual(rules);
      expect(result).not.toHaveProperty('response_body');
      for (const { says, mend } of broken)
        expect([says, mend]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)]);
    },
  );
});
