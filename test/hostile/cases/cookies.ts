import { ALICE } from '../../support/system.js';
import { get, http, post, withCookie, type Case, type Given } from './case.js';

const idOf = (cookie: string): string => /s%3A([^.]*)\./.exec(cookie)?.[1] ?? '';
const flip = (text: string, at: number): string =>
  text.slice(0, at) + (text.at(at) === 'A' ? 'B' : 'A') + text.slice(at + 1);

/** Modified cookies of a logged-in session; none of them is logged in. */
const MODIFIED: [what: string, modify: (cookie: string) => string][] = [
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
  ['with its key in the store', (cookie) => cookie.replace('s%3A', 's%3Asess%3A')],
  ['as a pattern of keys', () => 'sid=s%3A*.x'],
  ['as a path', () => 'sid=s%3A..%2F..%2Fx.x'],
  ['as JSON, which cookie parsers make objects of', () => 'sid=j%3A%7B%22user%22%3A1%7D'],
  ['as __proto__', () => '__proto__=x; sid=__proto__'],
  ['of broken percent encoding', () => 'sid=s%3A%E0%A4%A.x'],
  ['empty', () => 'sid='],
  ['of 8,000 letters', () => `sid=s%3A${'A'.repeat(8000)}.x`],
  ['after a planted one of the same name', (cookie) => `sid=s%3Aplanted.x; ${cookie}`],
  ['in quotes that are not closed', (cookie) => cookie.replace('sid=', 'sid="')],
];

/** Planted, modified and doubled sessions: none is logged in, and no session is created. */
export const COOKIES: Case[] = [
  ...MODIFIED.map(([what, modify]) => ({
    name: `a session ${what}`,
    situation: 'logged in' as const,
    bytes: ({ cookie }: Given) => get('/session', withCookie(modify(cookie))),
    status: 200,
  })),
  {
    name: 'a session in a second header, after a planted one',
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
    bytes: () => http('POST', '/logout', { lines: [withCookie('sid=s%3Aplanted.x')] }),
    status: 204,
  },
  {
    name: 'a cancellation with a session whose signature is wrong',
    situation: 'begun',
    bytes: ({ cookie }) =>
      http('DELETE', '/login', { lines: [withCookie(flip(cookie, cookie.indexOf('.') + 5))] }),
    status: 204,
  },
  {
    name: 'a request for the login with a session whose signature is wrong',
    situation: 'begun',
    bytes: ({ cookie }) => get('/login', withCookie(flip(cookie, cookie.indexOf('.') + 5))),
    status: 404,
    error: 'no_login',
  },
  {
    name: 'a code with the session under the name it has over https',
    situation: 'code',
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
