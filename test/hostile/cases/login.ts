import { ALICE, BOB } from '../../support/system.js';
import { http, JSON_TYPE, post, postBytes, type Case } from './case.js';

const good = JSON.stringify({ phone_number: ALICE });
const field = (json: string) => `{"phone_number":"${ALICE}",${json}}`;

const BODIES: [what: string, body: string][] = [
  ['a number for a string', '{"phone_number":447700900000}'],
  ['null', '{"phone_number":null}'],
  ['true', '{"phone_number":true}'],
  ['an array for a string', `{"phone_number":["${ALICE}"]}`],
  ['an object for a string', '{"phone_number":{"$gt":""}}'],
  ['an object that would turn into a string', `{"phone_number":{"toString":"${ALICE}"}}`],
  ['nothing in it', '{}'],
  ['nothing at all', ''],
  ['an array', `[{"phone_number":"${ALICE}"}]`],
  ['a string', `"${ALICE}"`],
  ['null as a whole', 'null'],
  ['half of it', `{"phone_number":"${ALICE}"`],
  ['a comma too many', `{"phone_number":"${ALICE}",}`],
  ['two of them', `${good}${good}`],
  ['single quotes', `{'phone_number':'${ALICE}'}`],
  ['a comment', `{"phone_number":"${ALICE}"/* */}`],
  ['NaN', '{"phone_number":NaN}'],
  ['a form', `phone_number=${encodeURIComponent(ALICE)}`],
  ['XML', `<phone_number>${ALICE}</phone_number>`],
  ['arrays nested a thousand times', '['.repeat(1000) + ']'.repeat(1000)],
  ['objects nested a thousand times', `{"phone_number":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`],
  ['an unknown field', field('"scope":"x"')],
  ['a state', field('"state":"mine"')],
  ['a redirect', field('"redirect_uri":"https://evil.example/"')],
  ['a return URL', field('"return_to":"//evil.example"')],
  ['a channel', field('"channel":"sms"')],
  ['a logged-in user', field('"user":{"phoneNumber":"+447700900001"}')],
  ['__proto__', field('"__proto__":{"client":"app"}')],
  ['__proto__ alone', `{"__proto__":{"phone_number":"${ALICE}"}}`],
  ['constructor', field('"constructor":{"prototype":{"client":"app"}}')],
  ['the same field twice', `{"phone_number":"${BOB}","phone_number":"${ALICE}"}`],
  ['the same field twice, with the same value', field(`"phone_number":"${ALICE}"`)],
  ['a field twice, once escaped', field(`"\\u0070hone_number":"${BOB}"`)],
  ['a field in capitals beside it', field(`"PHONE_NUMBER":"${BOB}"`)],
  ['an unknown client', field('"client":"admin"')],
  ['two clients', field('"client":["app","browser"]')],
  ['a client of null', field('"client":null')],
  ['a challenge that is too short', field('"code_challenge":"x"')],
  ['a challenge that is too long', field(`"code_challenge":"${'a'.repeat(44)}"`)],
  ['a challenge that is empty', field('"code_challenge":""')],
  ['a challenge that is no base64url', field(`"code_challenge":"${'+'.repeat(43)}"`)],
];

const TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/json',
  'application/json5',
  'application/problem+json',
  'application/json; charset=utf-16',
  'application/json; charset=utf-7',
  'application/json, text/plain',
  'application/json; boundary=x',
  'application/json;charset=utf-8;charset=utf-16',
  'APPLICATION/JSONP',
  '*/*',
];

/** `POST /login` with an invalid body. */
export const LOGIN: Case[] = [
  ...BODIES.map(([what, body]) => ({
    name: `as a body: ${what}`,
    bytes: () => post('/login', body),
    status: 400,
    error: 'invalid_request',
  })),
  ...TYPES.map((type) => ({
    name: `as the type of the body: ${type}`,
    bytes: () => http('POST', '/login', { lines: [`Content-Type: ${type}`], body: good }),
    status: 415,
    error: 'unsupported_media_type',
  })),
  ...[
    { what: 'no type', lines: [] },
    { what: 'an empty type', lines: ['Content-Type:'] },
    { what: 'the body in gzip', lines: [JSON_TYPE, 'Content-Encoding: gzip'] },
    { what: 'the body in deflate', lines: [JSON_TYPE, 'Content-Encoding: deflate'] },
    { what: 'the body in br', lines: [JSON_TYPE, 'Content-Encoding: br'] },
    { what: 'the body in gzip, named twice', lines: [JSON_TYPE, 'Content-Encoding: gzip, gzip'] },
    { what: 'the body in an unknown encoding', lines: [JSON_TYPE, 'Content-Encoding: x'] },
  ].map(({ what, lines }) => ({
    name: `as the type of the body: ${what}`,
    bytes: () => http('POST', '/login', { lines, body: good }),
    status: 415,
    error: 'unsupported_media_type',
  })),
  {
    name: 'as a body: bytes that are no UTF-8',
    bytes: () => postBytes('/login', Buffer.from('{"phone_number":"+447700900000\xff"}', 'latin1')),
    status: 400,
    error: 'invalid_phone_number',
  },
  {
    name: 'as a body: none',
    bytes: () => http('POST', '/login', { lines: ['Content-Length: 0'] }),
    status: 400,
    error: 'invalid_request',
  },
];
