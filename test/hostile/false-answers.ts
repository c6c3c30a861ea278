import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import type { FalseAnswer, Truth } from './falsifying-proxy.js';

const MEGABYTE = 1024 * 1024;
export const JSON_LINE = 'Content-Type: application/json';
/**
 * A falsifier hangs up: a connection that he left open would fail the honest request that comes
 * over it next.
 */
const CLOSE = 'Connection: close';

/** An answer with these lines of header, whole and honest in its form. */
export const whole = (status: number | string, lines: readonly string[], body: string | Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      [`HTTP/1.1 ${status} X`, CLOSE, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', ''].join(
        '\r\n',
      ),
    ),
    Buffer.from(body),
  ]);

/** Says one thing and hangs up. */
export const says =
  (make: (truth: Truth) => string | Buffer): FalseAnswer =>
  (socket, truth) =>
    void socket.end(make(truth));

/** The truth in other words, otherwise as it was. */
export const words = (make: (truth: Truth) => string | Buffer): FalseAnswer =>
  says((truth) => whole(truth.status, [JSON_LINE], make(truth)));

const headOf = ({ status }: Truth, ...lines: string[]): string =>
  [`HTTP/1.1 ${status} X`, CLOSE, JSON_LINE, ...lines, '', ''].join('\r\n');
const lengthOf = ({ body }: Truth): number => Buffer.byteLength(body);
const half = ({ body }: Truth): string => body.slice(0, Math.ceil(body.length / 2));
/** With a field more in front. */
const plus = ({ body }: Truth, field: string): string =>
  (body === '' ? '{' : body).replace('{', `{${field},`);
const firstName = ({ body }: Truth): string => /"([^"]*)"/.exec(body)?.[1] ?? '';

/** Goes on for as long as somebody listens. */
const forEver =
  (head: (truth: Truth) => string, more: string, everyMs: number): FalseAnswer =>
  (socket, truth) => {
    socket.write(head(truth));
    const timer = setInterval(() => {
      if (socket.writableLength < MEGABYTE) socket.write(more);
    }, everyMs);
    socket.on('close', () => clearInterval(timer));
  };

/** One byte a second. */
const dripping =
  (make: (truth: Truth) => { atOnce: string; slowly: string }): FalseAnswer =>
  (socket, truth) => {
    const { atOnce, slowly } = make(truth);
    if (atOnce) socket.write(atOnce);
    let at = 0;
    const timer = setInterval(() => socket.write(slowly.charAt(at++) || ' '), 1000);
    socket.on('close', () => clearInterval(timer));
  };

const later =
  (ms: number, falseAnswer: FalseAnswer): FalseAnswer =>
  (socket, truth) => {
    const timer = setTimeout(() => falseAnswer(socket, truth), ms);
    socket.on('close', () => clearTimeout(timer));
  };

const inFull: FalseAnswer = says(({ status, body }) => whole(status, [JSON_LINE], body));
const cut = (socket: Socket, said: string, how: (socket: Socket) => void) =>
  socket.write(said, () => setTimeout(() => how(socket), 20));

/** In which way a connection can fail. */
const CONNECTIONS: Record<string, FalseAnswer> = {
  'no byte, and the connection closed': (socket) => void socket.end(),
  'no byte, and the connection reset': (socket) => void socket.resetAndDestroy(),
  'no byte at all': () => undefined,
  'an answer after the deadline': later(5500, inFull),
  'the head at once and the body after the deadline': (socket, truth) => {
    socket.write(headOf(truth, `Content-Length: ${lengthOf(truth)}`));
    later(5500, (late, { body }) => void late.end(body))(socket, truth);
  },
  'a reset in the middle of the body': (socket, truth) =>
    cut(socket, headOf(truth, `Content-Length: ${lengthOf(truth) + 9}`) + truth.body, (each) =>
      each.resetAndDestroy(),
    ),
  'a reset in the middle of the head': (socket, truth) =>
    cut(socket, headOf(truth).slice(0, 30), (each) => each.resetAndDestroy()),
  'one byte of the body a second': dripping((truth) => ({
    atOnce: headOf(truth, `Content-Length: ${lengthOf(truth)}`),
    slowly: truth.body,
  })),
  'one byte of the head a second': dripping((truth) => ({ atOnce: '', slowly: headOf(truth) })),
};

/** Larger than any honest answer. */
const SIZES: Record<string, FalseAnswer> = {
  '10 MB of white space around the truth': words(({ body }) => ' '.repeat(10 * MEGABYTE) + body),
  '10 MB of truth, in chunks': says((truth) => {
    const body = plus(truth, `"x":"${'x'.repeat(10 * MEGABYTE)}"`);
    return `${headOf(truth, 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  }),
  'a body without end': forEver((truth) => headOf(truth), ' '.repeat(64 * 1024), 10),
  'chunks without end': forEver(
    (truth) => headOf(truth, 'Transfer-Encoding: chunked'),
    '1\r\n \r\n'.repeat(1000),
    10,
  ),
  'a gzip bomb': says((truth) => {
    const bomb = gzipSync(' '.repeat(10 * MEGABYTE) + truth.body);
    return whole(truth.status, [JSON_LINE, 'Content-Encoding: gzip'], bomb);
  }),
  'headers of 20 kB': says(({ status, body }) =>
    whole(status, [JSON_LINE, `X: ${'x'.repeat(20_000)}`], body),
  ),
  'a hundred thousand headers': says(({ status, body }) =>
    whole(status, [JSON_LINE, ...Array.from({ length: 100_000 }, () => 'a: b')], body),
  ),
  'headers without end': forEver((truth) => headOf(truth).slice(0, -2), 'a: b\r\n'.repeat(100), 10),
  '100 Continue without end': forEver(() => '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20), 20),
  '103 Early Hints without end': forEver(
    () => '',
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(20),
    20,
  ),
  'lists sixty thousand deep': words(() => '['.repeat(30_000) + ']'.repeat(30_000)),
};

/** The truth, under another name. */
const CLAIMS: Record<string, FalseAnswer> = {
  ...Object.fromEntries(
    [201, 203, 206, 226, 299].map((status) => [
      `the truth with ${status}`,
      says(({ body }) => whole(status, [JSON_LINE], body)),
    ]),
  ),
  ...Object.fromEntries(
    ['text/plain', 'text/html', 'application/octet-stream', 'application/jsonp', 'text/json', ''].map(
      (type) => [
        `the truth as ${JSON.stringify(type)}`,
        says(({ status, body }) => whole(status, [`Content-Type: ${type}`], body)),
      ],
    ),
  ),
  'the truth as nothing': says(({ status, body }) => whole(status, [], body)),
  'the truth in gzip': says(({ status, body }) =>
    whole(status, [JSON_LINE, 'Content-Encoding: gzip'], gzipSync(body)),
  ),
  'the truth, said to be in br': says(({ status, body }) =>
    whole(status, [JSON_LINE, 'Content-Encoding: br'], body),
  ),
  'the truth of 304': says(({ body }) => whole(304, [JSON_LINE], body)),
  'the truth of 205': says(({ body }) => whole(205, [JSON_LINE], body)),
  'the truth in another protocol': says(
    ({ body }) => `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${body}`,
  ),
  'an error that repeats the number': says(() =>
    whole(500, [JSON_LINE], '{"status":500,"code":"N447700110000","message":"+447700110000"}'),
  ),
  'an error whose instance is the number': says(() =>
    whole(500, [JSON_LINE], '{"title":"N","type":"x#447700110000","instance":"447700-110000"}'),
  ),
  'an error, and the truth behind it': says(({ status, body }) =>
    Buffer.concat([whole(500, [JSON_LINE], '{}'), whole(status, [JSON_LINE], body)]),
  ),
};

/** What is not, or is more than, one text of JSON in UTF-8. */
const TEXTS: Record<string, FalseAnswer> = {
  ...Object.fromEntries(
    [
      '',
      '"true"',
      'true',
      '1',
      '{}',
      '[]',
      'null',
      '""',
      '-0',
      '[true]',
      '{"data":{}}',
      '{"status":200}',
    ].map((text) => [`the words ${JSON.stringify(text)}`, words(() => text)]),
  ),
  'half of the truth': words(half),
  'the truth in a list': words(({ body }) => `[${body}]`),
  'the truth in a string': words(({ body }) => JSON.stringify(body)),
  'the truth in an object': words(({ body }) => `{"data":${body}}`),
  'the truth by __proto__': words(({ body }) => `{"__proto__":${body}}`),
  'the truth by the prototype of the constructor': words(
    ({ body }) => `{"constructor":{"prototype":${body}}}`,
  ),
  'a field twice': words((truth) => plus(truth, `"${firstName(truth)}":null`)),
  'a field twice, once escaped': words((truth) =>
    plus(truth, `"\\u00${firstName(truth).charCodeAt(0).toString(16)}${firstName(truth).slice(1)}":null`),
  ),
  'a field twice, deep inside': words((truth) => plus(truth, '"x":[{"a":1,"b":{"c":1,"c":2}}]')),
  'names in capitals': words(({ body }) => body.replace(/"(\w+)":/g, (name) => name.toUpperCase())),
  'the truth twice': words(({ body }) => body + body),
  'a word behind the truth': words(({ body }) => `${body} x`),
  'a NUL behind the truth': words(({ body }) => `${body}\0`),
  'a comment in the truth': words(({ body }) => body.replace('{', '{/**/')),
  'a call of the truth': words(({ body }) => `callback(${body})`),
  'a prefix against hijacking': words(({ body }) => `)]}',\n${body}`),
  'NaN in the truth': words((truth) => plus(truth, '"x":NaN')),
  'invalid UTF-8 in the truth': words((truth) => Buffer.from(plus(truth, '"x":"\u00ff\u00fe"'), 'latin1')),
  'half a letter of UTF-8 in the truth': words((truth) =>
    Buffer.from(plus(truth, '"x":"\u00e2\u0082"'), 'latin1'),
  ),
  'the truth in UTF-16': words(({ body }) => Buffer.from(`\ufeff${body}`, 'utf16le')),
  'a page': says(() => whole(200, ['Content-Type: text/html'], '<html><body>true</body></html>')),
  'a page, said to be JSON': words(() => '<!doctype html><title>200 OK</title>'),
  'XML, said to be JSON': words(() => '<?xml version="1.0"?><verified>true</verified>'),
};

/** What is not one answer of HTTP. */
const FRAMES: Record<string, FalseAnswer> = {
  'the truth cut off': says((truth) => headOf(truth, `Content-Length: ${lengthOf(truth)}`) + half(truth)),
  'the truth cut off, of no length': says((truth) => headOf(truth) + half(truth)),
  'a length that is too short': says(
    (truth) => headOf(truth, `Content-Length: ${lengthOf(truth) - 2}`) + truth.body,
  ),
  'a length that is too long': says(
    (truth) => headOf(truth, `Content-Length: ${lengthOf(truth) + 9}`) + truth.body,
  ),
  'two lengths': says(
    (truth) => headOf(truth, `Content-Length: ${lengthOf(truth)}`, 'Content-Length: 1') + truth.body,
  ),
  'a negative length': says((truth) => headOf(truth, 'Content-Length: -1') + truth.body),
  'a length that is a word': says((truth) => headOf(truth, 'Content-Length: all') + truth.body),
  'a length and chunks': says(
    (truth) =>
      `${headOf(truth, `Content-Length: ${lengthOf(truth)}`, 'Transfer-Encoding: chunked')}${lengthOf(truth).toString(16)}\r\n${truth.body}\r\n0\r\n\r\n`,
  ),
  'chunks that are none': says(
    (truth) => `${headOf(truth, 'Transfer-Encoding: chunked')}zz\r\n${truth.body}\r\n0\r\n\r\n`,
  ),
  'chunks without the last one': says(
    (truth) =>
      `${headOf(truth, 'Transfer-Encoding: chunked')}${lengthOf(truth).toString(16)}\r\n${truth.body}\r\n`,
  ),
  'a chunk beyond 64 bits': says(
    (truth) => `${headOf(truth, 'Transfer-Encoding: chunked')}1${'0'.repeat(17)}\r\n${truth.body}\r\n`,
  ),
  'no header': says(({ body }) => body),
  'another protocol': says(() => 'SSH-2.0-OpenSSH_9.6\r\n'),
  TLS: says(() => Buffer.from('1503030002022a', 'hex')),
  'a status of four digits': says(({ body }) => whole('2000', [JSON_LINE], body)),
  'a status that is negative': says(({ body }) => whole('-200', [JSON_LINE], body)),
  'a space before a colon': says(
    (truth) => headOf(truth, `Content-Length : ${lengthOf(truth)}`) + truth.body,
  ),
  'a NUL in a header': says(
    (truth) => headOf(truth, 'X: \0', `Content-Length: ${lengthOf(truth)}`) + truth.body,
  ),
};

/** Where else to ask. @param stranger must hear nothing */
export const redirects = (stranger: string): Record<string, FalseAnswer> => ({
  ...Object.fromEntries(
    [300, 301, 302, 303, 305, 307, 308].map((status) => [
      `a redirect to a stranger by ${status}`,
      says(({ body }) => whole(status, [JSON_LINE, `Location: ${stranger}`], body)),
    ]),
  ),
  'a stranger in headers of 200': says(() =>
    whole(200, [`Refresh: 0; url=${stranger}`, `Content-Location: ${stranger}`], ''),
  ),
});

/** Every falseAnswer that can be told of any answer. */
export const FALSE_ANSWERS: Record<string, FalseAnswer> = {
  ...CONNECTIONS,
  ...SIZES,
  ...CLAIMS,
  ...TEXTS,
  ...FRAMES,
};
