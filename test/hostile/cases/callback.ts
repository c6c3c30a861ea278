import { get, http, withCookie, type Case, type Given } from './case.js';

type Spoiled = [what: string, path: (given: Given) => string, status: number, error: string];

const invalid = (what: string, path: (given: Given) => string): Spoiled => [
  what,
  path,
  400,
  'invalid_request',
];
const nothingThere = (what: string, path: (given: Given) => string): Spoiled => [
  what,
  path,
  404,
  'not_found',
];

const LINKS: Spoiled[] = [
  invalid('no parameter', () => '/callback'),
  invalid('no state', ({ authorizationCode }) => `/callback?code=${authorizationCode}`),
  invalid('no code and no error', ({ state }) => `/callback?state=${state}`),
  invalid('a code and an error', ({ door }) => `${door}&error=access_denied`),
  invalid('an empty code', ({ state }) => `/callback?code=&state=${state}`),
  invalid('an empty state', ({ authorizationCode }) => `/callback?code=${authorizationCode}&state=`),
  invalid('a state twice', ({ door, state }) => `${door}&state=${state}`),
  invalid('a second state that is another', ({ door }) => `${door}&state=a${'A'.repeat(43)}`),
  invalid('a code twice', ({ door, authorizationCode }) => `${door}&code=${authorizationCode}`),
  invalid('a code twice, once with its name encoded', ({ door }) => `${door}&%63ode=x`),
  invalid('an error twice', ({ state }) => `/callback?state=${state}&error=a&error=b`),
  invalid('an error_description twice', ({ door }) => `${door}&error_description=a&error_description=b`),
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
  invalid('its parameters in the path', ({ door }) =>
    door.replace('?', '%3F').replace('/callback', '/callback?'),
  ),
  invalid('its parameters encoded twice', ({ state }) => `/callback?code%3Dx%26state%3D${state}`),
  invalid('a state with a NUL', ({ door }) => door.replace(/(state=[^&]*)/, '$1%00')),
  invalid('a state with a line break', ({ door }) => door.replace(/(state=[^&]*)/, '$1%0d%0a')),
  invalid('a state with a space', ({ door }) => door.replace(/(state=[^&]*)/, '$1+')),
  invalid('a state cut short by a letter', ({ door }) => door.replace(/(state=[^&]*)[^&]/, '$1')),
  invalid('a state with a letter more', ({ door }) => door.replace(/(state=[^&]*)/, '$1A')),
  invalid('the state of Vonage in place of ours', ({ door }) =>
    door.replace(/state=[^&]*/, 'state=v2_840e17a8'),
  ),
  invalid('a state whose first letter is nobody’s', ({ door }) => door.replace(/state=a/, 'state=c')),
  invalid('a state in capitals', ({ door }) => door.replace(/state=a/, 'state=A')),
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
    ({ door }) => door.replace(/state=[^&]*/, `state=a${'A'.repeat(43)}`),
    410,
    'login_expired',
  ],
  [
    'a state with another last letter',
    ({ door, state }) => door.replace(state, otherEnd(state)),
    410,
    'login_expired',
  ],
  nothingThere('broken percent encoding in the path', () => '/callback%E0%A4%A'),
  nothingThere('capital letters', ({ door }) => door.replace('/callback', '/CALLBACK')),
  nothingThere('a slash at the end', ({ door }) => door.replace('/callback', '/callback/')),
  nothingThere('a doubled slash', ({ door }) => `/${door}`),
  nothingThere('an encoded letter', ({ door }) => door.replace('/callback', '/%63allback')),
  nothingThere('a dot segment', ({ door }) => `/.${door}`),
  nothingThere('a way around', ({ door }) => `/x/..${door}`),
  nothingThere('a matrix parameter', ({ door }) => door.replace('/callback', '/callback;x=1')),
  nothingThere('a NUL behind the path', ({ door }) => door.replace('/callback', '/callback%00')),
  nothingThere('a suffix', ({ door }) => door.replace('/callback', '/callback.json')),
];

/**
 * The state with another letter at its end: one that means other bits, not merely other padding.
 */
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
 * `GET /callback` as it should not be. What is refused leaves the state to its true bearer, who
 * comes afterwards.
 */
export const CALLBACK: Case[] = [
  ...LINKS.map(([what, path, status, error]) => ({
    name: `the link with ${what}`,
    situation: 'door' as const,
    bytes: (given: Given) => get(path(given)),
    status,
    error,
  })),
  ...METHODS.map((method) => ({
    name: `the link by ${method}`,
    situation: 'door' as const,
    bytes: ({ door }: Given) => http(method, door),
    status: 405,
    ...(method !== 'HEAD' && { error: 'method_not_allowed' }),
  })),
  ...DESTINATIONS.flatMap((destination) =>
    (['door', 'browser door'] as const).map((situation) => ({
      name: `the link as a page's ${JSON.stringify(destination)}, at the ${situation}`,
      situation,
      bytes: ({ door, cookie }: Given) => get(door, `Sec-Fetch-Dest: ${destination}`, withCookie(cookie)),
      status: 403,
      error: 'wrong_client',
    })),
  ),
  {
    name: 'the link of an app in a browser',
    situation: 'door',
    bytes: ({ door, cookie }) =>
      get(door, 'Sec-Fetch-Dest: document', 'Sec-Fetch-Mode: navigate', withCookie(cookie)),
    status: 403,
    error: 'wrong_client',
  },
  ...[
    ['without its session', () => ''],
    ['with a planted session', () => 'sid=s%3Aplanted.signature'],
    [
      'with its session unsigned',
      (cookie: string) => decodeURIComponent(cookie).replace(/s:([^.]*)\..*/, '$1'),
    ],
  ].map(([what, cookieOf]) => ({
    name: `the link of a browser ${what as string}`,
    situation: 'browser door' as const,
    bytes: ({ door, cookie }: Given) =>
      get(door, 'Sec-Fetch-Dest: document', withCookie((cookieOf as (own: string) => string)(cookie))),
    status: 303,
    error: 'wrong_client',
  })),
];
