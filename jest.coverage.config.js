import config from './jest.config.js';

/** Suites that run nothing of these folders in this process, or what others run as well. */
const OTHERS = [
  'apps-docs',
  'bench',
  'browser',
  'doctor',
  'example',
  'packaging',
  'phone',
  'processes',
  'proxies',
  'redis-',
  'scaling-docs',
];

/**
 * How much of the folders that decide who is logged in is run by the suites over HTTP and by hostile requests. Branches are counted by
 * Istanbul, which puts a counter into each: what V8 tells by itself has no branch for `??`, `||` and `?:` that were run.
 *
 * @type {import('jest').Config}
 */
export default {
  ...config,
  // Of the hostile suites one is enough.
  testMatch: ['<rootDir>/test/*.test.ts', '<rootDir>/test/hostile/requests.test.ts'],
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, ...OTHERS.map((name) => `/test/${name}`)],
  collectCoverage: true,
  coverageProvider: 'babel',
  coverageReporters: ['text', 'html'],
  collectCoverageFrom: ['src/{login,session,vonage}/**/*.ts'],
  coverageThreshold: {
    './src/login/': { branches: 95 },
    './src/session/': { branches: 95 },
    './src/vonage/': { branches: 95 },
  },
};
