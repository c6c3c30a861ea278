import { API } from '../support/assertions.js';
import { operations } from '../support/contract.js';
import { ALICE, BOB } from '../support/system.js';

/** Reproducible random numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface RandomRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const ROUTES: [method: string, path: string][] = [
  ...operations.map(({ method, path }): [string, string] => [method, path]),
  ['GET', '/favicon.svg'],
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];
const FIELDS = [
  'phone_number',
  'client',
  'code',
  'code_challenge',
  'code_verifier',
  'channel',
  'audience',
  'state',
  '__proto__',
];
const STRINGS = [
  ...[ALICE, BOB, '+447700900101', '+99012345678', '447700900000', '+1', 'app', 'browser', 'sms', 'voice'],
  ...[
    '123456',
    'A'.repeat(43),
    `a${'A'.repeat(43)}`,
    `b${'A'.repeat(43)}`,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '＋',
    '__proto__',
  ],
  ...['x'.repeat(300), '../..', '%00', '\r\nX: 1', '<script>', '{{7*7}}', "' OR 1=1--", '💥'],
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  '',
];
const HEADERS: Record<string, readonly string[]> = {
  origin: ['https://evil.example', 'null', ''],
  'sec-fetch-site': ['same-origin', 'cross-site', 'none'],
  'sec-fetch-dest': ['document', 'image', 'empty', ''],
  authorization: ['Bearer x.y.z', 'Bearer', 'Basic eDp5'],
  'content-encoding': ['gzip', 'identity', 'x'],
  'x-forwarded-for': ['127.0.0.1', 'x'],
  expect: ['x'],
  range: ['bytes=0-1', 'bytes=99999-'],
  'if-none-match': ['*', 'W/"x"'],
  accept: ['text/html', '*/*', 'x'],
};

/** Generates random requests to all routes, most of which are almost valid. */
export function createGenerator(random: () => number) {
  const upTo = (count: number) => Math.floor(random() * count);
  const oneOf = <T>(items: readonly T[]): T => items[upTo(items.length)] as T;
  const chance = (share: number) => random() < share;

  const value = (depth = 0): unknown => {
    if (chance(0.75)) return oneOf(STRINGS);
    const scalar = [null, true, false, 0, -1, 1e308, 447700900000];
    if (depth > 2 || chance(0.6)) return oneOf(scalar);
    return chance(0.5) ? [value(depth + 1)] : { [oneOf(FIELDS)]: value(depth + 1) };
  };
  const object = () =>
    Object.fromEntries(
      Array.from({ length: upTo(3) + (chance(0.1) ? 20 : 1) }, () => [oneOf(FIELDS), value()]),
    );
  const validBody: Record<string, () => object> = {
    '/login': () => ({
      phone_number: oneOf(STRINGS.slice(0, 6)),
      ...(chance(0.3) && { client: oneOf(['app', 'browser']) }),
    }),
    '/verify': () => ({ code: oneOf(STRINGS) }),
    '/session/assertion': () => (chance(0.5) ? { audience: oneOf([API, ...STRINGS]) } : {}),
    '/login/next': () => (chance(0.5) ? { channel: oneOf(['sms', 'voice']) } : {}),
  };
  const corrupt = (text: string) => {
    const at = upTo(text.length + 1);
    return text.slice(0, at) + oneOf(['"', '}', '\u0000', ',', '[', 'é', '']) + text.slice(at + upTo(3));
  };
  const body = (path: string) => {
    const text = JSON.stringify(
      chance(0.6) ? (validBody[path]?.() ?? object()) : chance(0.9) ? object() : value(),
    );
    return chance(0.1) ? corrupt(text) : chance(0.01) ? text.padEnd(20_000) : text;
  };
  const query = () => {
    const names = ['code', 'state', 'error', 'error_description', 'x'];
    const pairs = Array.from({ length: upTo(4) }, () => `${oneOf(names)}=${encode(oneOf(STRINGS))}`);
    return pairs.length > 0 ? `?${pairs.join('&')}` : '';
  };
  const pathOf = (path: string) => {
    if (chance(0.9)) return path + (path === '/callback' || chance(0.1) ? query() : '');
    return oneOf([
      path.toUpperCase(),
      `${path}/`,
      `/${path}`,
      `${path}%00`,
      `${path}/%2e%2e/x`,
      `${path}%`,
      `${path};x`,
      `/x${path}`,
    ]);
  };

  return (): RandomRequest => {
    const [method, path] = oneOf(ROUTES);
    const sentMethod = chance(0.9) ? method : oneOf(METHODS);
    // The server closes the connection after an answer to `/callback`, and does not read a body.
    const hasBody = !['GET', 'HEAD'].includes(sentMethod) && path !== '/callback' && chance(0.9);
    const headers: Record<string, string> = hasBody
      ? { 'content-type': chance(0.9) ? 'application/json' : oneOf(TYPES) }
      : {};
    while (chance(0.15)) {
      const name = oneOf(Object.keys(HEADERS));
      headers[name] = oneOf(HEADERS[name] ?? []);
    }
    return { method: sentMethod, path: pathOf(path), headers, body: hasBody ? body(path) : undefined };
  };
}

/** Lone surrogates cannot be encoded in a URL. */
const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, ''));
