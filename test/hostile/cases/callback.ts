import { get, http, withCookie, type Case, type Given } from './case.js';

type InvalidCallback = [what: string, path: (given: Given) => string, status: number, error: string];

const invalid = (what: string, path: (given: Given) => string): InvalidCallback => [
  what,
  path,
  400,
  'invalid_request',
];
const notFound = (what: string, path: (given: Given) => string): InvalidCallback => [
  what,
  path,
  404,
  'not_found',
];

const LINKS: InvalidCallback[] = [
  invalid('no parameter', () => '/callback'),
  invalid('no state', ({ authorizationCode }) => `/callback?code=${authorizationCode}`),
  invalid('no code and no error', ({ state }) => `/callback?state=${state}`),
  invalid('a code and an error', ({ callback }) => `${callback}&error=access_denied`),
  invalid('an empty code', ({ state }) => `/callback?code=&state=${state}`),
  invalid('an empty state', ({ authorizationCode }) => `/callback?code=${authorizationCode}&state=`),
  invalid('a state twice', ({ callback, state }) => `${callback}&state=${state}`),
  invalid('a second state that is another', ({ callback }) => `${callback}&state=a${'A'.repeat(43)}`),
  invalid('a code twice', ({ callback, authorizationCode }) => `${callback}&code=${authorizationCode}`),
  invalid('a code twice, once with its name encoded', ({ callback }) => `${callback}&%63ode=x`),
  // By default, Node reads the first thousand parameters.
  invalid('a code again after 1,000 others', ({ callback }) => `${callback}${'&x'.repeat(1000)}&code=x`),
  invalid('a state again after 1,000 others', ({ callback }) => `${callback}${'&x'.repeat(1000)}&state=x`),
  invalid('an error twice', ({ state }) => `/callback?state=${state}&error=a&error=b`),
  invalid(
    'an error_description twice',
    ({ callback }) => `${callback}&error_description=a&error_description=b`,
  ),
  invalid(
    'a state in brackets',
    ({ state, authorizationCode }) => `/callback?code=${authorizationCode}&state[x]=${state}`,
  ),
  invalid(
    'a state in a list',
    ({ state, authorizationCode }) => `/callback?code=${authorizationCode}&state[]=${state}`,
  ),
  invalid(
    'semicolons between',
    ({ state, authorizationCode }) => `/callback?code=${authorizationCode};state=${state}`,
  ),
  invalid('its parameters in the path', ({ callback }) =>
    callback.replace('?', '%3F').replace('/callback', '/callback?'),
  ),
  invalid('its parameters encoded twice', ({ state }) => `/callback?code%3Dx%26state%3D${state}`),
  invalid('a state with a NUL', ({ callback }) => callback.replace(/(state=[^&]*)/, '$1%00')),
  invalid('a state with a line break', ({ callback }) => callback.replace(/(state=[^&]*)/, '$1%0d%0a')),
  invalid('a state with a space', ({ callback }) => callback.replace(/(state=[^&]*)/, '$1+')),
  invalid('a state cut short by a letter', ({ callback }) => callback.replace(/(state=[^&]*)[^&]/, '$1')),
  invalid('a state with a letter more', ({ callback }) => callback.replace(/(state=[^&]*)/, '$1A')),
  invalid('the state of Vonage in place of ours', ({ callback }) =>
    callback.replace(/state=[^&]*/, 'state=v2_840e17a8'),
  ),
  invalid('a state with an unknown first letter', ({ callback }) => callback.replace(/state=a/, 'state=c')),
  invalid('a state in capitals', ({ callback }) => callback.replace(/state=a/, 'state=A')),
  invalid(
    '__proto__ for a state',
    ({ authorizationCode }) => `/callback?code=${authorizationCode}&__proto__[state]=a`,
  ),
  invalid('a code with a NUL', ({ state }) => `/callback?code=a%00b&state=${state}`),
  invalid('a code with a space', ({ state }) => `/callback?code=a%20b&state=${state}`),
  invalid('a code with a line break', ({ state }) => `/callback?code=a%0d%0aX:1&state=${state}`),
  invalid('a code that is not ASCII', ({ state }) => `/callback?code=%EF%BC%8B&state=${state}`),
  invalid('a code of broken percent encoding', ({ state }) => `/callback?code=%E0%A4&state=${state}`),
  invalid('a code of 8,193 characters', ({ state }) => `/callback?code=${'a'.repeat(8193)}&state=${state}`),
  [
    'a code of 100 kB',
    ({ state }) => `/callback?code=${'a'.repeat(100_000)}&state=${state}`,
    413,
    'payload_too_large',
  ],
  [
    'an unknown state',
    ({ callback }) => callback.replace(/state=[^&]*/, `state=a${'A'.repeat(43)}`),
    410,
    'login_expired',
  ],
  [
    'a state with another last letter',
    ({ callback, state }) => callback.replace(state, otherEnd(state)),
    410,
    'login_expired',
  ],
  notFound('broken percent encoding in the path', () => '/callback%E0%A4%A'),
  notFound('capital letters', ({ callback }) => callback.replace('/callback', '/CALLBACK')),
  notFound('a slash at the end', ({ callback }) => callback.replace('/callback', '/callback/')),
  notFound('a doubled slash', ({ callback }) => `/${callback}`),
  notFound('an encoded letter', ({ callback }) => callback.replace('/callback', '/%63allback')),
  notFound('a dot segment', ({ callback }) => `/.${callback}`),
  notFound('a dot segment that leads back', ({ callback }) => `/x/..${callback}`),
  notFound('a matrix parameter', ({ callback }) => callback.replace('/callback', '/callback;x=1')),
  notFound('a NUL behind the path', ({ callback }) => callback.replace('/callback', '/callback%00')),
  notFound('a suffix', ({ callback }) => callback.replace('/callback', '/callback.json')),
];

/** Changes the last letter that carries whole bits; the very last one is partly padding. */
const otherEnd = (state: string): string =>
  state.slice(0, -2) + (state.at(-2) === 'A' ? 'B' : 'A') + (state.at(-1) ?? '');

const METHODS = ['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'];
const DESTINATIONS = [
  'image',
  'iframe',
  'empty',
  'script',
  'style',
  'frame',
  'object',
  'embed',
  'fetch',
  'document, image',
  'Document',
  '',
];

/**
 * Invalid requests to `GET /callback`. The state remains valid for the device that it belongs to.
 */
export const CALLBACK: Case[] = [
  ...LINKS.map(([what, path, status, error]) => ({
    name: `the link with ${what}`,
    situation: 'app callback' as const,
    bytes: (given: Given) => get(path(given)),
    status,
    error,
  })),
  ...METHODS.map((method) => ({
    name: `the link by ${method}`,
    situation: 'app callback' as const,
    bytes: ({ callback }: Given) => http(method, callback),
    status: 405,
    ...(method !== 'HEAD' && { error: 'method_not_allowed' }),
  })),
  ...DESTINATIONS.flatMap((destination) =>
    (['app callback', 'browser callback'] as const).map((situation) => ({
      name: `the link with Sec-Fetch-Dest ${JSON.stringify(destination)}, ${situation}`,
      situation,
      bytes: ({ callback, cookie }: Given) =>
        get(callback, `Sec-Fetch-Dest: ${destination}`, withCookie(cookie)),
      status: 403,
      error: 'wrong_client',
    })),
  ),
  {
    name: 'the link of an app in a browser',
    situation: 'app callback',
    bytes: ({ callback, cookie }) =>
      get(callback, 'Sec-Fetch-Dest: document', 'Sec-Fetch-Mode: navigate', withCookie(cookie)),
    status: 403,
    error: 'wrong_client',
    isPage: true,
  },
  ...LINKS.filter(([, , status]) => status < 405).map(([what, path, status, error]) => ({
    name: `the link with ${what}, opened by a person`,
    situation: 'app callback' as const,
    bytes: (given: Given) => get(path(given), 'Sec-Fetch-Dest: document'),
    status,
    error,
    isPage: true,
  })),
  ...['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '%3Cscript%3E'].map((text) => ({
    name: `a path with ${text}, opened by a person`,
    bytes: () => get(`/${text.replaceAll(' ', '%20')}`, 'Sec-Fetch-Dest: document'),
    status: 404,
    error: 'not_found',
    isPage: true,
  })),
  ...[
    ['without its session', () => ''],
    ['with a planted session', () => 'sid=s%3Aplanted.signature'],
    [
      'with its session id unsigned',
      (cookie: string) => decodeURIComponent(cookie).replace(/s:([^.]*)\..*/, '$1'),
    ],
  ].map(([what, cookieOf]) => ({
    name: `the link of a browser ${what as string}`,
    situation: 'browser callback' as const,
    bytes: ({ callback, cookie }: Given) =>
      get(callback, 'Sec-Fetch-Dest: document', withCookie((cookieOf as (own: string) => string)(cookie))),
    status: 303,
    error: 'wrong_client',
  })),
];
