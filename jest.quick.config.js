import config from './jest.config.js';

/**
 * What `npm run check` leaves to `npm test`: suites with a browser, with processes, clusters or containers of their own, with
 * clocks that cannot be turned, or with thousands of requests. A suite that takes more than ten seconds by itself belongs here.
 */
const SLOW = [
  'hostile/',
  'sandbox/',
  'apps-docs',
  'bench',
  'browser',
  'client-network',
  'example-express',
  'openapi',
  'overload',
  'packaging',
  'processes',
  'redis-',
  'scaling-docs',
  'traces',
];

/** @type {import('jest').Config} */
export default {
  ...config,
  // Half of what these suites do is waiting for sockets.
  maxWorkers: '100%',
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, ...SLOW.map((name) => `/test/${name}`)],
};
