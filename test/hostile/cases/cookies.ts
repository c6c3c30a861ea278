import { ALICE } from '../../support/house.js';
import { get, http, post, withCookie, type Case, type Given } from './case.js';

const idOf = (cookie: string): string => /s%3A([^.]*)\./.exec(cookie)?.[1] ?? '';
const flip = (text: string, at: number): string =>
  text.slice(0, at) + (text.at(at) === 'A' ? 'B' : 'A') + text.slice(at + 1);

/** The cookie of somebody who is logged in, spoiled: nobody is logged in by any of these. */
const SPOILED: [what: string, spoil: (cookie: string) => string][] = [
  ['unsigned', (cookie) => `sid=${idOf(cookie)}`],
  ['marked as signed, without a signature', (cookie) => `sid=s%3A${idOf(cookie)}`],
  ['with an empty signature', (cookie) => `sid=s%3A${idOf(cookie)}.`],
  ['with a signature of zeros', (cookie) => `sid=s%3A${idOf(cookie)}.${'A'.repeat(43)}`],
  ['with the first letter of its id changed', (cookie) => flip(cookie, cookie.indexOf('%3A') + 3)],
  ['with a letter of its signature changed', (cookie) => flip(cookie, cookie.indexOf('.') + 5)],
  ['cut short by a letter', (cookie) => cookie.slice(0, -2)],
  ['with a letter more', (cookie) => `${cookie}A`],
  ['with a space within', (cookie) => cookie.replace('.', '. ')],
  ['in capitals', (cookie) => `sid=${cookie.slice(4).toUpperCase().replace('S%3A', 's%3A')}`],
  ['under the name it has over https', (cookie) => cookie.replace('sid=', '__Host-sid=')],
  ['under a name in capitals', (cookie) => cookie.replace('sid=', 'SID=')],
  ['under another name', (cookie) => cookie.replace('sid=', 'connect.sid=')],
  ['with the key it falseAnswers under in the store', (cookie) => cookie.replace('s%3A', 's%3Asess%3A')],
  ['as a pattern of keys', () => 'sid=s%3A*.x'],
  ['as a path', () => 'sid=s%3A..%2F..%2Fx.x'],
  ['as JSON, which cookie parsers make objects of', () => 'sid=j%3A%7B%22user%22%3A1%7D'],
  ['as __proto__', () => '__proto__=x; sid=__proto__'],
  ['of broken percent encoding', () => 'sid=s%3A%E0%A4%A.x'],
  ['empty', () => 'sid='],
  ['of 8,000 letters', () => `sid=s%3A${'A'.repeat(8000)}.x`],
  ['behind a planted one of the same name', (cookie) => `sid=s%3Aplanted.x; ${cookie}`],
  ['in quotes that are not closed', (cookie) => cookie.replace('sid=', 'sid="')],
];

/**
 * Sessions that are planted, tampered with, or stand there twice. Who is asked says: nobody; and
 * no session is made.
 */
export const COOKIES: Case[] = [
  ...SPOILED.map(([what, spoil]) => ({
    name: `a session ${what}`,
    situation: 'logged in' as const,
    bytes: ({ cookie }: Given) => get('/session', withCookie(spoil(cookie))),
    status: 200,
  })),
  {
    name: 'a session in a second header, behind a planted one',
    situation: 'logged in',
    bytes: ({ cookie }) => get('/session', withCookie('sid=s%3Aplanted.x'), withCookie(cookie)),
    status: 200,
  },
  {
    name: 'a session in the query',
    situation: 'logged in',
    bytes: ({ cookie }) => get(`/session?${cookie}`),
    status: 200,
  },
  {
    name: 'a session as a bearer token',
    situation: 'logged in',
    bytes: ({ cookie }) => get('/session', `Authorization: Bearer ${idOf(cookie)}`),
    status: 200,
  },
  {
    name: 'a logout with a planted session',
    situation: 'logged in',
    bytes: () => http('POST', '/logout', [withCookie('sid=s%3Aplanted.x')]),
    status: 204,
  },
  {
    name: 'a login given up with a session of somebody else’s signing',
    situation: 'begun',
    bytes: ({ cookie }) => http('DELETE', '/login', [withCookie(flip(cookie, cookie.indexOf('.') + 5))]),
    status: 204,
  },
  {
    name: 'a login asked for with a session of somebody else’s signing',
    situation: 'begun',
    bytes: ({ cookie }) => get('/login', withCookie(flip(cookie, cookie.indexOf('.') + 5))),
    status: 404,
    error: 'no_login',
  },
  {
    name: 'a code with the session under the name it has over https',
    situation: 'walked',
    bytes: ({ cookie, code }) =>
      post('/verify', JSON.stringify({ code }), withCookie(cookie.replace('sid=', '__Host-sid='))),
    status: 400,
    error: 'invalid_code',
  },
  {
    name: 'a login that is refused, with a planted session',
    bytes: () =>
      post('/login', JSON.stringify({ phone_number: `${ALICE}x` }), withCookie('sid=s%3Aplanted.x')),
    status: 400,
    error: 'invalid_phone_number',
  },
];
