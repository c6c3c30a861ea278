import { ALICE } from '../../support/system.js';
import { get, http, JSON_TYPE, post, withCookie, type Case } from './case.js';

const login = JSON.stringify({ phone_number: ALICE });
const tooLarge = { status: 413, error: 'payload_too_large' };
const long = (bytes: number) => JSON.stringify({ phone_number: 'x'.repeat(bytes) });
const chunks = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** Requests that are too large. */
export const SIZES: Case[] = [
  { name: 'a body of 17 KiB', bytes: () => post('/login', long(17 * 1024)), ...tooLarge },
  { name: 'a body of 1 MiB', bytes: () => post('/login', long(1024 * 1024)), ...tooLarge },
  {
    name: 'a body of 1 MiB in chunks',
    bytes: () =>
      http('POST', '/login', { lines: [JSON_TYPE, 'Transfer-Encoding: chunked'] }) +
      chunks(long(1024 * 1024)),
    ...tooLarge,
  },
  { name: 'a body of 1 MiB to /verify', bytes: () => post('/verify', long(1024 * 1024)), ...tooLarge },
  { name: 'a body of 1 MiB to /logout', bytes: () => post('/logout', long(1024 * 1024)), ...tooLarge },
  {
    name: 'a body of 1 MiB to /nothing',
    bytes: () => post('/nothing', long(1024 * 1024)),
    status: 404,
    error: 'not_found',
  },
  { name: 'a webhook of 1 MiB', bytes: () => post('/webhooks/verify', long(1024 * 1024)), ...tooLarge },
  {
    name: '17 KiB of white space around a login',
    bytes: () => post('/login', `${' '.repeat(17 * 1024)}${login}`),
    ...tooLarge,
  },
  { name: 'a header of 20 kB', bytes: () => get('/', `X: ${'x'.repeat(20_000)}`), ...tooLarge },
  { name: 'a name of a header of 20 kB', bytes: () => get('/', `${'x'.repeat(20_000)}: 1`), ...tooLarge },
  {
    name: 'five thousand headers',
    bytes: () => get('/', ...Array.from({ length: 5000 }, (_, at) => `X${at}: 1`)),
    ...tooLarge,
  },
  {
    name: 'a cookie of 20 kB',
    bytes: () => get('/session', withCookie(`sid=${'x'.repeat(20_000)}`)),
    ...tooLarge,
  },
  { name: 'a path of 20 kB', bytes: () => get(`/${'x'.repeat(20_000)}`), ...tooLarge },
  { name: 'a query of 20 kB', bytes: () => get(`/session?${'x'.repeat(20_000)}`), ...tooLarge },
  {
    name: 'a method of 20 kB',
    bytes: () => http('X'.repeat(20_000), '/'),
    status: 400,
    error: 'invalid_request',
  },
  {
    // By default, Node ignores headers after the first two thousand.
    name: 'another origin after 2,500 headers',
    bytes: () => {
      const junk = Array.from({ length: 2500 }, () => 'a:');
      const lines = [JSON_TYPE, `Content-Length: ${login.length}`, ...junk, 'Origin: https://evil.example'];
      return http('POST', '/login', { lines }) + login;
    },
    status: 403,
    error: 'forbidden_origin',
  },
  {
    name: 'an unknown field of 10 kB, which is not repeated in full',
    bytes: () => post('/login', `{"${'x'.repeat(10_000)}":1}`),
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'a thousand unknown fields',
    bytes: () =>
      post(
        '/login',
        JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, 1]))),
      ),
    status: 400,
    error: 'invalid_request',
  },
];
