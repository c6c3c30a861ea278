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
 * Coverage of the folders that decide who is logged in, by the suites over HTTP and the hostile
 * requests. Istanbul counts the branches, because V8 reports none for `??`, `||` and `?:`.
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
