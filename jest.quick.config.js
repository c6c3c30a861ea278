import config from './jest.config.js';

/**
 * The suites that `npm run check` leaves to `npm test`: those with a browser, with processes,
 * clusters or containers of their own, with clocks that cannot be turned, or with thousands of
 * requests. A suite that takes more than two or three seconds by itself belongs here.
 */
const SLOW = [
  'alerts',
  'apps-docs',
  'bench',
  'browser',
  'camara-provider',
  'client-network',
  'codes',
  'doctor',
  'error-pages',
  'example-express',
  'forward-proxy',
  'hooks-docs',
  'hooks-file',
  'hooks-session',
  'hooks-step-up',
  'hostile/',
  'limits-addresses',
  'limits-money',
  'metrics',
  'mounting',
  'numbers',
  'openapi',
  'otp',
  'overload',
  'packaging',
  'phone.test',
  'processes',
  'proxies',
  'races',
  'redis-',
  'sandbox/',
  'scaling-docs',
  'session.test',
  'sessions-events',
  'sessions-fresh',
  'sessions-operator',
  'sessions.test',
  'sim-swap',
  'templates',
  'traces',
  'two-halves',
  'upstream',
  'verify-start',
  'verify-turns',
];

/** @type {import('jest').Config} */
export default {
  ...config,
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, ...SLOW.map((name) => `/test/${name}`)],
};
