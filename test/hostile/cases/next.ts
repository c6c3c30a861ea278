import { get, http, JSON_TYPE, post, withCookie, type Case, type Given } from './case.js';

const BODIES: [what: string, body: string][] = [
  ['an address of email', '{"channel":"email"}'],
  ['a hash that is none', '{"channel":"sms","app_hash":"x"}'],
  ['a wish to resend that is none', '{"channel":"sms","resend":"yes"}'],
  ['the silent channel', '{"channel":"silent_auth"}'],
  ['a channel in capitals', '{"channel":"SMS"}'],
  ['both channels', '{"channel":["sms","voice"]}'],
  ['no channel', '{"channel":null}'],
  ['an empty channel', '{"channel":""}'],
  ['a number to send to', '{"channel":"sms","phone_number":"+447700900001"}'],
  ['a number to send to, alone', '{"to":"+447700900001"}'],
  ['a text to send', '{"channel":"sms","text":"buy"}'],
  ['a code to send', '{"channel":"sms","code":"000000"}'],
  ['a request to move on', '{"channel":"sms","request_id":"x"}'],
  ['a channel twice', '{"channel":"sms","channel":"voice"}'],
  ['__proto__', '{"channel":"sms","__proto__":{"channel":"voice"}}'],
  ['a list', '["sms"]'],
  ['a string', '"sms"'],
];

/** Invalid requests to `POST /login/next`, none of which sends a message. */
export const NEXT: Case[] = [
  ...BODIES.map(([what, body]) => ({
    name: `to go on with ${what}`,
    situation: 'begun' as const,
    bytes: ({ cookie }: Given) => post('/login/next', body, withCookie(cookie)),
    status: 400,
    error: 'invalid_request',
  })),
  {
    name: 'to go on without a session',
    bytes: () => post('/login/next', '{"channel":"sms"}'),
    status: 404,
    error: 'no_login',
  },
  {
    name: 'to go on without a login, though logged in',
    situation: 'logged in',
    bytes: ({ cookie }) => post('/login/next', '{"channel":"sms"}', withCookie(cookie)),
    status: 409,
    error: 'no_more_channels',
    // The lock that lets one request at a time change a login.
    writes: [/^set lock:/, /^del lock:/],
  },
  {
    name: 'to go on as a form',
    situation: 'begun',
    bytes: ({ cookie }) =>
      http('POST', '/login/next', {
        lines: ['Content-Type: application/x-www-form-urlencoded', withCookie(cookie)],
        body: 'channel=sms',
      }),
    status: 415,
    error: 'unsupported_media_type',
  },
  {
    name: 'to go on from a page of another site',
    situation: 'begun',
    bytes: ({ cookie }) =>
      post('/login/next', '{"channel":"sms"}', withCookie(cookie), 'Origin: https://evil.example'),
    status: 403,
    error: 'forbidden_origin',
  },
  {
    name: 'to go on by a link',
    situation: 'begun',
    bytes: ({ cookie }) => get('/login/next?channel=sms', withCookie(cookie)),
    status: 405,
    error: 'method_not_allowed',
  },
  {
    name: 'to go on at /login/next/',
    situation: 'begun',
    bytes: ({ cookie }) => post('/login/next/', '{"channel":"sms"}', withCookie(cookie)),
    status: 404,
    error: 'not_found',
  },
  {
    name: 'to go on by a channel in the query, in a body of no JSON',
    situation: 'begun',
    bytes: ({ cookie }) =>
      http('POST', '/login/next?channel=sms', { lines: [JSON_TYPE, withCookie(cookie)], body: 'x' }),
    status: 400,
    error: 'invalid_request',
  },
];
