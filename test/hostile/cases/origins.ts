import { ALICE } from '../../support/house.js';
import { get, http, post, withCookie, type Case, type Given } from './case.js';

const login = JSON.stringify({ phone_number: ALICE });

/**
 * What a browser sends for somebody else's page: each is refused though the session rides along.
 */
const ORIGINS: [what: string, ...lines: string[]][] = [
  ['a stranger', 'Origin: https://evil.example'],
  ['nobody', 'Origin: null'],
  ['an empty origin', 'Origin:'],
  ['our host on another port', 'Origin: http://localhost:1'],
  ['our host over https', 'Origin: https://localhost'],
  ['a host that begins like ours', 'Origin: http://localhost.evil.example'],
  ['our host with a user', 'Origin: http://localhost@evil.example'],
  ['two origins', 'Origin: https://evil.example', 'Origin: http://localhost'],
  ['another site, as the browser says', 'Sec-Fetch-Site: cross-site'],
  ['a sister site, as the browser says', 'Sec-Fetch-Site: same-site'],
  ['an address typed by the user', 'Sec-Fetch-Site: none'],
  ['a site nobody knows', 'Sec-Fetch-Site: SAME-ORIGIN'],
  ['two sites', 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'],
  [
    'a stranger, though the site is said to be ours',
    'Origin: https://evil.example',
    'Sec-Fetch-Site: same-origin',
  ],
];

const ROUTES: [route: string, bytes: (lines: string[], given: Given) => string][] = [
  ['POST /login', (lines) => post('/login', login, ...lines)],
  [
    'POST /verify',
    (lines, { code, cookie }) => post('/verify', JSON.stringify({ code }), withCookie(cookie), ...lines),
  ],
  ['DELETE /login', (lines, { cookie }) => http('DELETE', '/login', [withCookie(cookie), ...lines])],
  ['POST /logout', (lines, { cookie }) => http('POST', '/logout', [withCookie(cookie), ...lines])],
];

/**
 * Requests that are made for the page of a stranger (cross-site request forgery), and headers
 * that claim to be more.
 */
export const STRANGERS: Case[] = [
  ...ORIGINS.flatMap(([what, ...lines], at) =>
    // Every kind of stranger at one route, and one of them at every route.
    (at === 0 ? ROUTES : ROUTES.slice(at % ROUTES.length, (at % ROUTES.length) + 1)).map(
      ([route, bytes]) => ({
        name: `${route} from ${what}`,
        situation: 'walked' as const,
        bytes: (given: Given) => bytes(lines, given),
        status: 403,
        error: 'forbidden_origin',
      }),
    ),
  ),
  {
    name: 'a preflight of a stranger',
    bytes: () =>
      http('OPTIONS', '/login', ['Origin: https://evil.example', 'Access-Control-Request-Method: POST']),
    status: 405,
    error: 'method_not_allowed',
  },
  {
    name: 'a login whose method is named in a header',
    bytes: () => get('/login', 'X-HTTP-Method-Override: POST', 'X-Method-Override: POST'),
    status: 404,
    error: 'no_login',
  },
  {
    name: 'a login that is said to come from this very machine',
    bytes: () => post('/login', '{}', 'X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1;proto=https'),
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'a path rewritten by a header',
    bytes: () => get('/nothing', 'X-Original-URL: /session', 'X-Rewrite-URL: /session'),
    status: 404,
    error: 'not_found',
  },
];
