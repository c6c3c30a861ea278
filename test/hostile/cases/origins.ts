import { ALICE } from '../../support/system.js';
import { get, http, post, withCookie, type Case, type Given } from './case.js';

const login = JSON.stringify({ phone_number: ALICE });

/** Headers of requests from pages of other sites. Each is refused although it has the session. */
const OTHER_SITES: [what: string, ...lines: string[]][] = [
  ['another site', 'Origin: https://evil.example'],
  ['the origin null', 'Origin: null'],
  ['an empty origin', 'Origin:'],
  ['our host on another port', 'Origin: http://localhost:1'],
  ['our host over https', 'Origin: https://localhost'],
  ['a host that begins like ours', 'Origin: http://localhost.evil.example'],
  ['our host with a user', 'Origin: http://localhost@evil.example'],
  ['two origins', 'Origin: https://evil.example', 'Origin: http://localhost'],
  ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: cross-site'],
  ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Site: same-site'],
  ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: none'],
  ['an unknown Sec-Fetch-Site', 'Sec-Fetch-Site: SAME-ORIGIN'],
  ['two sites', 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'],
  [
    'another origin with Sec-Fetch-Site: same-origin',
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
  [
    'DELETE /login',
    (lines, { cookie }) => http('DELETE', '/login', { lines: [withCookie(cookie), ...lines] }),
  ],
  ['POST /logout', (lines, { cookie }) => http('POST', '/logout', { lines: [withCookie(cookie), ...lines] })],
];

/** Cross-site request forgery, and headers that claim another method, address or path. */
export const ORIGINS: Case[] = [
  ...OTHER_SITES.flatMap(([what, ...lines], at) =>
    // The first kind at every route, and each other kind at one route.
    (at === 0 ? ROUTES : ROUTES.slice(at % ROUTES.length, (at % ROUTES.length) + 1)).map(
      ([route, bytes]) => ({
        name: `${route} from ${what}`,
        situation: 'code' as const,
        bytes: (given: Given) => bytes(lines, given),
        status: 403,
        error: 'forbidden_origin',
      }),
    ),
  ),
  {
    name: 'a preflight from another site',
    bytes: () =>
      http('OPTIONS', '/login', {
        lines: ['Origin: https://evil.example', 'Access-Control-Request-Method: POST'],
      }),
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
    name: 'a login whose headers name this machine as the client',
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
