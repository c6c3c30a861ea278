import { ALICE } from '../../support/system.js';
import { get, http, JSON_TYPE, post, withCookie, type Case, type Given } from './case.js';

const login = JSON.stringify({ phone_number: ALICE });

/** Each route with methods that it does not have. */
const METHODS: [method: string, path: string][] = [
  ['PUT', '/login'],
  ['PATCH', '/login'],
  ['OPTIONS', '/login'],
  ['TRACE', '/login'],
  ['PROPFIND', '/login'],
  ['QUERY', '/login'],
  ['GET', '/verify'],
  ['PUT', '/verify'],
  ['DELETE', '/verify'],
  ['DELETE', '/login/next'],
  ['POST', '/session'],
  ['DELETE', '/session'],
  ['PUT', '/session'],
  ['GET', '/logout'],
  ['DELETE', '/logout'],
  ['POST', '/healthz'],
  ['DELETE', '/readyz'],
  ['GET', '/webhooks/verify'],
  ['PUT', '/webhooks/verify'],
  ['OPTIONS', '/errors.md'],
  ['POST', '/openapi.json'],
  ['DELETE', '/docs'],
  ['PUT', '/client.js'],
  ['POST', '/errors.md'],
];

const PATHS = [
  '/LOGIN',
  '/Login',
  '/login/',
  '//login',
  '/login//next',
  '/login/x',
  '/./login',
  '/x/../login',
  '/%6cogin',
  '/login%2fnext',
  '/login%00',
  '/login%20',
  '/login;a=b',
  '/login.json',
  '/api/login',
  '/v1/login',
  '/nothing',
  '/verify/',
  '/session/',
  '/webhooks/verify/',
  '/webhooks',
  '/__sandbox/reset',
  '/v2/verify',
  '/oauth2/token',
];

/** Routes whose body has no fields. */
const WITHOUT_FIELDS: [method: string, path: string][] = [
  ['POST', '/logout'],
  ['DELETE', '/login'],
  ['DELETE', '/sessions'],
  ['DELETE', '/sessions/x'],
];

const FILES = [
  '//',
  '//index.html',
  '/index.html',
  '/%69ndex.html',
  '/.env',
  '/.git/config',
  '/package.json',
  '/src/main.ts',
  '/../package.json',
  '/..%2fpackage.json',
  '/%2e%2e/package.json',
  '/%2e%2e%2fpackage.json',
  '/..\\package.json',
  '/..%5cpackage.json',
  '/....//package.json',
  '/%252e%252e/package.json',
  '/index.html/..%2f..%2fpackage.json',
  '/errors.md/../../package.json',
  '/docs/errors.md',
  '/node_modules/express/package.json',
  '/server-status',
  '/debug/vars',
];

/** Paths, methods, fields and encodings that no route has. */
export const PATHS_AND_METHODS: Case[] = [
  ...METHODS.map(([method, path]) => ({
    name: `${method} ${path}`,
    bytes: () => http(method, path),
    status: 405,
    error: 'method_not_allowed',
  })),
  ...WITHOUT_FIELDS.map(([method, path]) => ({
    name: `${method} ${path} with a field`,
    situation: 'logged in' as const,
    bytes: ({ cookie }: Given) =>
      http(method, path, { lines: [JSON_TYPE, withCookie(cookie)], body: '{"all":true}' }),
    status: 400,
    error: 'invalid_request',
  })),
  ...PATHS.map((path) => ({
    name: `POST ${path}`,
    bytes: () => post(path, login),
    status: 404,
    error: 'not_found',
  })),
  ...FILES.map((path) => ({
    name: `GET ${path}`,
    bytes: () => get(path),
    status: 404,
    error: 'not_found',
  })),
  {
    name: 'a session at /SESSION',
    situation: 'logged in',
    bytes: ({ cookie }: Given) => get('/SESSION', withCookie(cookie)),
    status: 404,
    error: 'not_found',
  },
  {
    name: 'a session of another host, as an address of its own',
    bytes: () => get('http://evil.example/nothing'),
    status: 404,
    error: 'not_found',
  },
  ...['http://[::1/nothing', 'http://xn--/nothing', 'http://a:b/nothing', 'http://@/nothing'].map(
    (target) => ({
      name: `a host that is none, ${target}`,
      bytes: () => get(target),
      status: 404,
      error: 'not_found',
    }),
  ),
  {
    name: 'a fragment behind a host',
    bytes: () => get('http://localhost#x'),
    status: 400,
    error: 'invalid_request',
  },
  { name: 'every path at once', bytes: () => http('OPTIONS', '*'), status: 404, error: 'not_found' },
  {
    name: 'a tunnel',
    bytes: () => http('CONNECT', '169.254.169.254:80'),
    status: 400,
    error: 'invalid_request',
  },
  { name: 'a fragment', bytes: () => post('/login#x', login), status: 400, error: 'invalid_request' },
  {
    name: 'a path of percent signs',
    bytes: () => get(`/${'%'.repeat(100)}`),
    status: 404,
    error: 'not_found',
  },
  {
    name: 'a path of bytes that are no UTF-8',
    bytes: () => get('/%ff%fe'),
    status: 404,
    error: 'not_found',
  },
];
