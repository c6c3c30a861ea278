import { ALICE } from '../../support/system.js';
import { get, JSON_TYPE, type Case } from './case.js';

const login = JSON.stringify({ phone_number: ALICE });
const length = Buffer.byteLength(login);
/** The smuggled request. */
const hidden = `POST /login HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: ${length}\r\n\r\n${login}`;
const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** `POST /login` with raw header lines, including their line ends, and a body. */
const raw = (lines: string, body: string) =>
  `POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${JSON_TYPE}\r\n${lines}\r\n${body}`;

const TE = 'Transfer-Encoding: chunked\r\n';
const CL = `Content-Length: ${length}\r\n`;

/**
 * Bytes that parsers could split into requests differently: one 400, and the connection is
 * closed.
 */
const PAIRS: [what: string, bytes: string][] = [
  ['CL.TE', raw(`Content-Length: 6\r\n${TE}`, `0\r\n\r\n${hidden}`)],
  ['TE.CL', raw(`${TE}Content-Length: 4\r\n`, `${chunked(login)}${hidden}`)],
  ['TE.CL with an equal length', raw(`${TE}${CL}`, chunked(login))],
  ['TE.TE, once obscured', raw(`${TE}Transfer-Encoding: x\r\n`, `${chunked(login)}${hidden}`)],
  ['TE before another coding', raw('Transfer-Encoding: chunked, identity\r\n', `${chunked(login)}${hidden}`)],
  ['TE with a vertical tab', raw('Transfer-Encoding: \x0bchunked\r\n', chunked(login))],
  ['TE of a name in brackets', raw(`Transfer-Encoding: [chunked]\r\n${CL}`, login)],
  ['a space before the colon of TE', raw('Transfer-Encoding : chunked\r\n', chunked(login))],
  ['a tab before the colon of a length', raw(`Content-Length\t: ${length}\r\n`, login)],
  ['a space before the colon of a header', raw(`X : 1\r\n${CL}`, login)],
  ['a space before the name of a header', raw(` X: 1\r\n${CL}`, login)],
  ['no name of a header', raw(`: 1\r\n${CL}`, login)],
  ['no colon in a header', raw(`X\r\n${CL}`, login)],
  ['two lengths that differ', raw(`${CL}Content-Length: 1\r\n`, login)],
  ['two lengths that are equal', raw(`${CL}${CL}`, login)],
  ['two lengths in one header', raw(`Content-Length: ${length}, ${length}\r\n`, login)],
  ['a length with a plus', raw(`Content-Length: +${length}\r\n`, login)],
  ['a length with a minus', raw(`Content-Length: -${length}\r\n`, login)],
  ['a length in hexadecimal', raw(`Content-Length: 0x${length.toString(16)}\r\n`, login)],
  ['a length with a point', raw(`Content-Length: ${length}.0\r\n`, login)],
  [
    'a length with a space within',
    raw(`Content-Length: ${String(length)[0]} ${String(length)[1]}\r\n`, login),
  ],
  ['a length beyond 64 bits', raw(`Content-Length: 18446744073709551${length}616\r\n`, login)],
  ['an empty length', raw('Content-Length:\r\n', login)],
  ['a length that is a word', raw('Content-Length: all\r\n', login)],
  ['a header folded onto a second line', raw(`X: 1\r\n 2\r\n${CL}`, login)],
  ['a length folded onto a second line', raw(`Content-Length:\r\n ${length}\r\n`, login)],
  ['TE folded onto a second line', raw('Transfer-Encoding:\r\n chunked\r\n', chunked(login))],
  ['a bare LF between headers', raw(`X: 1\n${CL}`, login)],
  ['a bare CR between headers', raw(`X: 1\r${CL}`, login)],
  ['a bare CR in a value', raw(`X: 1\r2\r\n${CL}`, login)],
  ['a NUL in a value', raw(`X: 1\0\r\n${CL}`, login)],
  ['a NUL in a name', raw(`X\0: 1\r\n${CL}`, login)],
  ['a bare LF before the body', raw(CL, login).replace(`\r\n\r\n${login}`, `\n\n${login}`)],
  ['a bare LF after the request line', raw(CL, login).replace('HTTP/1.1\r\n', 'HTTP/1.1\n')],
  ['a chunk size with a plus', raw(TE, `+${chunked(login)}`)],
  ['a chunk size in 0x', raw(TE, `0x${chunked(login)}`)],
  ['a chunk size that is none', raw(TE, `zz\r\n${login}\r\n0\r\n\r\n`)],
  ['a chunk size beyond 64 bits', raw(TE, `1${'0'.repeat(17)}\r\n${login}\r\n0\r\n\r\n`)],
  ['a negative chunk size', raw(TE, `-1\r\n${login}\r\n0\r\n\r\n`)],
  ['a chunk longer than it says', raw(TE, `5\r\n${login}\r\n0\r\n\r\n`)],
  ['a chunk size ended by a bare LF', raw(TE, chunked(login).replace('\r\n', '\n'))],
  ['a chunk ended by a bare LF', raw(TE, chunked(login).replace(`${login}\r\n`, `${login}\n`))],
  [
    'a chunk with 20 kB of extension',
    raw(TE, chunked(login).replace('\r\n', `;x=${'x'.repeat(20_000)}\r\n`)),
  ],
  ['two hosts', raw(`Host: evil.example\r\n${CL}`, login)],
  ['no host', raw(CL, login).replace('Host: localhost\r\n', '')],
  ['two types of body', raw(`Content-Type: text/plain\r\n${CL}`, login)],
  ['nonsense', 'nonsense\r\n\r\n'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['HTTP/0.9', 'GET /session\r\n\r\n'],
  ['HTTP/1.2', 'GET /session HTTP/1.2\r\nHost: a\r\n\r\n'],
  ['HTTP/9.9', 'GET /session HTTP/9.9\r\nHost: a\r\n\r\n'],
  ['a protocol in lower case', 'GET /session http/1.1\r\nHost: a\r\n\r\n'],
  ['a method in lower case', 'get /session HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['an unknown method', 'BREW /login HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a space in the path', 'GET /session x HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a tab in the path', 'GET /sess\tion HTTP/1.1\r\nHost: a\r\n\r\n'],
  [
    'letters that are not ASCII in the path',
    'GET /sessi\u00f6n HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ],
  ['a space before the request line', ` ${get('/session')}`],
];

/** Ambiguous requests. */
export const SMUGGLING: Case[] = [
  ...PAIRS.map(([what, bytes]) => ({
    name: `over the wire: ${what}`,
    bytes: () => Buffer.from(bytes, 'latin1'),
    status: 400,
    error: 'invalid_request',
  })),
  {
    name: 'over the wire: a second request after a refused one',
    bytes: () => `${raw(`${CL}Content-Length: 1\r\n`, login)}${hidden}`,
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'over the wire: a request in the body of another',
    bytes: () => raw(`Content-Length: ${Buffer.byteLength(hidden)}\r\n`, hidden),
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'over the wire: a body where none belongs, and another request in it',
    bytes: () =>
      `GET /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(hidden)}\r\n\r\n${hidden}`,
    status: 415,
    error: 'unsupported_media_type',
  },
  {
    name: 'over the wire: an upgrade to another protocol',
    bytes: () =>
      get('/nothing', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA').replace(
        'Connection: close',
        'Connection: close, Upgrade, HTTP2-Settings',
      ),
    status: 404,
    error: 'not_found',
  },
  {
    name: 'over the wire: an unknown expectation',
    bytes: () => get('/nothing', 'Expect: miracles'),
    status: 404,
    error: 'not_found',
  },
];
