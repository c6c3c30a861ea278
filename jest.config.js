import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/examples', '<rootDir>/test'],
  testSequencer: '<rootDir>/test/support/sequencer.js',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // Sources, and packages that are ES modules only, run under Jest as CommonJS.
  transform: {
    '^.+\\.(t|j)s$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(?:jose|oauth4webapi|openid-client|marked|uuid)/)'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Examples import the package by its name.
    '^silent-auth-bff$': '<rootDir>/src/index.ts',
    '^silent-auth-bff/sandbox$': '<rootDir>/src/sandbox/index.ts',
  },
  // The long runs are those of `npm run test:hostile`.
  testPathIgnorePatterns: ['/node_modules/', '\\.long\\.test\\.ts$'],
  // Ends what hangs. A machine that is busy otherwise takes many times as long as an idle one.
  testTimeout: 120_000,
  // Suites that wait for a browser or for other processes leave their core to two more workers.
  maxWorkers: availableParallelism() + 2,
};
