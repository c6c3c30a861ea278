import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import type { CorrectAnswer, FalseAnswer } from './falsifying-proxy.js';

const MEGABYTE = 1024 * 1024;
export const JSON_LINE = 'Content-Type: application/json';
/** A connection that stayed open would fail the next request on it, which is answered correctly. */
const CLOSE = 'Connection: close';

/** A well-formed response. @param lines further header lines */
export const response = (status: number | string, lines: readonly string[], body: string | Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      [`HTTP/1.1 ${status} X`, CLOSE, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', ''].join(
        '\r\n',
      ),
    ),
    Buffer.from(body),
  ]);

/** Sends a response and closes the connection. */
export const respond =
  (make: (correct: CorrectAnswer) => string | Buffer): FalseAnswer =>
  (socket, correct) =>
    void socket.end(make(correct));

/** Sends the correct status with another body. */
export const respondWithBody = (make: (correct: CorrectAnswer) => string | Buffer): FalseAnswer =>
  respond((correct) => response(correct.status, [JSON_LINE], make(correct)));

const headOf = ({ status }: CorrectAnswer, ...lines: string[]): string =>
  [`HTTP/1.1 ${status} X`, CLOSE, JSON_LINE, ...lines, '', ''].join('\r\n');
const lengthOf = ({ body }: CorrectAnswer): number => Buffer.byteLength(body);
const half = ({ body }: CorrectAnswer): string => body.slice(0, Math.ceil(body.length / 2));
/** The correct body with another field in front. */
const withField = ({ body }: CorrectAnswer, field: string): string =>
  (body === '' ? '{' : body).replace('{', `{${field},`);
const firstName = ({ body }: CorrectAnswer): string => /"([^"]*)"/.exec(body)?.[1] ?? '';

/** Sends data until the server closes the connection. */
const endless =
  (head: (correct: CorrectAnswer) => string, more: string, everyMs: number): FalseAnswer =>
  (socket, correct) => {
    socket.write(head(correct));
    const timer = setInterval(() => {
      if (socket.writableLength < MEGABYTE) socket.write(more);
    }, everyMs);
    socket.on('close', () => clearInterval(timer));
  };

/** Sends one byte per second. */
const slow =
  (make: (correct: CorrectAnswer) => { start: string; rest: string }): FalseAnswer =>
  (socket, correct) => {
    const { start, rest } = make(correct);
    if (start) socket.write(start);
    let at = 0;
    const timer = setInterval(() => socket.write(rest.charAt(at++) || ' '), 1000);
    socket.on('close', () => clearInterval(timer));
  };

const later =
  (ms: number, falseAnswer: FalseAnswer): FalseAnswer =>
  (socket, correct) => {
    const timer = setTimeout(() => falseAnswer(socket, correct), ms);
    socket.on('close', () => clearTimeout(timer));
  };

const correctResponse: FalseAnswer = respond(({ status, body }) => response(status, [JSON_LINE], body));
const sendAndReset = (socket: Socket, text: string) =>
  socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20));

/** Connections that fail or are slow. */
const CONNECTIONS: Record<string, FalseAnswer> = {
  'a connection that is closed': (socket) => void socket.end(),
  'a connection that is reset': (socket) => void socket.resetAndDestroy(),
  'no response': () => undefined,
  'an answer after the deadline': later(5500, correctResponse),
  'the headers at once and the body after the deadline': (socket, correct) => {
    socket.write(headOf(correct, `Content-Length: ${lengthOf(correct)}`));
    later(5500, (late, { body }) => void late.end(body))(socket, correct);
  },
  'a reset in the middle of the body': (socket, correct) =>
    sendAndReset(socket, headOf(correct, `Content-Length: ${lengthOf(correct) + 9}`) + correct.body),
  'a reset in the middle of the headers': (socket, correct) =>
    sendAndReset(socket, headOf(correct).slice(0, 30)),
  'one byte of the body per second': slow((correct) => ({
    start: headOf(correct, `Content-Length: ${lengthOf(correct)}`),
    rest: correct.body,
  })),
  'one byte of the headers per second': slow((correct) => ({ start: '', rest: headOf(correct) })),
};

/** Answers that are too large. */
const SIZES: Record<string, FalseAnswer> = {
  '10 MB of white space around the correct answer': respondWithBody(
    ({ body }) => ' '.repeat(10 * MEGABYTE) + body,
  ),
  '10 MB of the correct answer, in chunks': respond((correct) => {
    const body = withField(correct, `"x":"${'x'.repeat(10 * MEGABYTE)}"`);
    return `${headOf(correct, 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  }),
  'a body without end': endless((correct) => headOf(correct), ' '.repeat(64 * 1024), 10),
  'chunks without end': endless(
    (correct) => headOf(correct, 'Transfer-Encoding: chunked'),
    '1\r\n \r\n'.repeat(1000),
    10,
  ),
  'a gzip bomb': respond((correct) => {
    const bomb = gzipSync(' '.repeat(10 * MEGABYTE) + correct.body);
    return response(correct.status, [JSON_LINE, 'Content-Encoding: gzip'], bomb);
  }),
  'headers of 20 kB': respond(({ status, body }) =>
    response(status, [JSON_LINE, `X: ${'x'.repeat(20_000)}`], body),
  ),
  'a hundred thousand headers': respond(({ status, body }) =>
    response(status, [JSON_LINE, ...Array.from({ length: 100_000 }, () => 'a: b')], body),
  ),
  'headers without end': endless((correct) => headOf(correct).slice(0, -2), 'a: b\r\n'.repeat(100), 10),
  '100 Continue without end': endless(() => '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20), 20),
  '103 Early Hints without end': endless(
    () => '',
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(20),
    20,
  ),
  'lists sixty thousand deep': respondWithBody(() => '['.repeat(30_000) + ']'.repeat(30_000)),
};

/** The correct body under another status, type, encoding or protocol. */
const CLAIMS: Record<string, FalseAnswer> = {
  ...Object.fromEntries(
    [201, 203, 206, 226, 299].map((status) => [
      `the correct answer with status ${status}`,
      respond(({ body }) => response(status, [JSON_LINE], body)),
    ]),
  ),
  ...Object.fromEntries(
    ['text/plain', 'text/html', 'application/octet-stream', 'application/jsonp', 'text/json', ''].map(
      (type) => [
        `the correct answer as type ${JSON.stringify(type)}`,
        respond(({ status, body }) => response(status, [`Content-Type: ${type}`], body)),
      ],
    ),
  ),
  'the correct answer without a type': respond(({ status, body }) => response(status, [], body)),
  'the correct answer in gzip': respond(({ status, body }) =>
    response(status, [JSON_LINE, 'Content-Encoding: gzip'], gzipSync(body)),
  ),
  'the correct answer, labelled as br': respond(({ status, body }) =>
    response(status, [JSON_LINE, 'Content-Encoding: br'], body),
  ),
  'the correct answer with status 304': respond(({ body }) => response(304, [JSON_LINE], body)),
  'the correct answer with status 205': respond(({ body }) => response(205, [JSON_LINE], body)),
  'the correct answer in another protocol': respond(
    ({ body }) => `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${body}`,
  ),
  'an error that repeats the number': respond(() =>
    response(500, [JSON_LINE], '{"status":500,"code":"N447700110000","message":"+447700110000"}'),
  ),
  'an error whose instance is the number': respond(() =>
    response(500, [JSON_LINE], '{"title":"N","type":"x#447700110000","instance":"447700-110000"}'),
  ),
  'an error followed by the correct answer': respond(({ status, body }) =>
    Buffer.concat([response(500, [JSON_LINE], '{}'), response(status, [JSON_LINE], body)]),
  ),
};

/** Bodies that are not exactly one JSON text in UTF-8, or that lack the required fields. */
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
    ].map((text) => [`the body ${JSON.stringify(text)}`, respondWithBody(() => text)]),
  ),
  'half of the correct answer': respondWithBody(half),
  'the correct answer in a list': respondWithBody(({ body }) => `[${body}]`),
  'the correct answer in a string': respondWithBody(({ body }) => JSON.stringify(body)),
  'the correct answer in an object': respondWithBody(({ body }) => `{"data":${body}}`),
  'the correct answer in __proto__': respondWithBody(({ body }) => `{"__proto__":${body}}`),
  'the correct answer in constructor.prototype': respondWithBody(
    ({ body }) => `{"constructor":{"prototype":${body}}}`,
  ),
  'a field twice': respondWithBody((correct) => withField(correct, `"${firstName(correct)}":null`)),
  'a field twice, once escaped': respondWithBody((correct) =>
    withField(
      correct,
      `"\\u00${firstName(correct).charCodeAt(0).toString(16)}${firstName(correct).slice(1)}":null`,
    ),
  ),
  'a field twice, deep inside': respondWithBody((correct) =>
    withField(correct, '"x":[{"a":1,"b":{"c":1,"c":2}}]'),
  ),
  'names in capitals': respondWithBody(({ body }) => body.replace(/"(\w+)":/g, (name) => name.toUpperCase())),
  'the correct answer twice': respondWithBody(({ body }) => body + body),
  'a letter after the correct answer': respondWithBody(({ body }) => `${body} x`),
  'a NUL after the correct answer': respondWithBody(({ body }) => `${body}\0`),
  'a comment in the correct answer': respondWithBody(({ body }) => body.replace('{', '{/**/')),
  'the correct answer as JSONP': respondWithBody(({ body }) => `callback(${body})`),
  'a prefix against hijacking': respondWithBody(({ body }) => `)]}',\n${body}`),
  'NaN in the correct answer': respondWithBody((correct) => withField(correct, '"x":NaN')),
  'invalid UTF-8 in the correct answer': respondWithBody((correct) =>
    Buffer.from(withField(correct, '"x":"\u00ff\u00fe"'), 'latin1'),
  ),
  'an incomplete UTF-8 character in the correct answer': respondWithBody((correct) =>
    Buffer.from(withField(correct, '"x":"\u00e2\u0082"'), 'latin1'),
  ),
  'the correct answer in UTF-16': respondWithBody(({ body }) => Buffer.from(`\ufeff${body}`, 'utf16le')),
  'an HTML page': respond(() => response(200, ['Content-Type: text/html'], '<html><body>true</body></html>')),
  'an HTML page, labelled as JSON': respondWithBody(() => '<!doctype html><title>200 OK</title>'),
  'XML, labelled as JSON': respondWithBody(() => '<?xml version="1.0"?><verified>true</verified>'),
};

/** Malformed HTTP. */
const FRAMES: Record<string, FalseAnswer> = {
  'the correct answer cut off': respond(
    (correct) => headOf(correct, `Content-Length: ${lengthOf(correct)}`) + half(correct),
  ),
  'the correct answer cut off, without a length': respond((correct) => headOf(correct) + half(correct)),
  'a length that is too short': respond(
    (correct) => headOf(correct, `Content-Length: ${lengthOf(correct) - 2}`) + correct.body,
  ),
  'a length that is too long': respond(
    (correct) => headOf(correct, `Content-Length: ${lengthOf(correct) + 9}`) + correct.body,
  ),
  'two lengths': respond(
    (correct) => headOf(correct, `Content-Length: ${lengthOf(correct)}`, 'Content-Length: 1') + correct.body,
  ),
  'a negative length': respond((correct) => headOf(correct, 'Content-Length: -1') + correct.body),
  'a length that is a word': respond((correct) => headOf(correct, 'Content-Length: all') + correct.body),
  'a length and chunks': respond(
    (correct) =>
      `${headOf(correct, `Content-Length: ${lengthOf(correct)}`, 'Transfer-Encoding: chunked')}${lengthOf(correct).toString(16)}\r\n${correct.body}\r\n0\r\n\r\n`,
  ),
  'a malformed chunk size': respond(
    (correct) => `${headOf(correct, 'Transfer-Encoding: chunked')}zz\r\n${correct.body}\r\n0\r\n\r\n`,
  ),
  'chunks without the last one': respond(
    (correct) =>
      `${headOf(correct, 'Transfer-Encoding: chunked')}${lengthOf(correct).toString(16)}\r\n${correct.body}\r\n`,
  ),
  'a chunk beyond 64 bits': respond(
    (correct) => `${headOf(correct, 'Transfer-Encoding: chunked')}1${'0'.repeat(17)}\r\n${correct.body}\r\n`,
  ),
  'no header': respond(({ body }) => body),
  'another protocol': respond(() => 'SSH-2.0-OpenSSH_9.6\r\n'),
  TLS: respond(() => Buffer.from('1503030002022a', 'hex')),
  'a status of four digits': respond(({ body }) => response('2000', [JSON_LINE], body)),
  'a status that is negative': respond(({ body }) => response('-200', [JSON_LINE], body)),
  'a space before a colon': respond(
    (correct) => headOf(correct, `Content-Length : ${lengthOf(correct)}`) + correct.body,
  ),
  'a NUL in a header': respond(
    (correct) => headOf(correct, 'X: \0', `Content-Length: ${lengthOf(correct)}`) + correct.body,
  ),
};

/** @param foreignUrl a host that must not get any request */
export const redirects = (foreignUrl: string): Record<string, FalseAnswer> => ({
  ...Object.fromEntries(
    [300, 301, 302, 303, 305, 307, 308].map((status) => [
      `a redirect to a foreign host with status ${status}`,
      respond(({ body }) => response(status, [JSON_LINE, `Location: ${foreignUrl}`], body)),
    ]),
  ),
  'a foreign host in headers with status 200': respond(() =>
    response(200, [`Refresh: 0; url=${foreignUrl}`, `Content-Location: ${foreignUrl}`], ''),
  ),
});

/** The false answers that apply to every call. */
export const FALSE_ANSWERS: Record<string, FalseAnswer> = {
  ...CONNECTIONS,
  ...SIZES,
  ...CLAIMS,
  ...TEXTS,
  ...FRAMES,
};
