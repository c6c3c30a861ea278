import type { newCredentials } from '../../src/sandbox/credentials.js';

/** The credentials of all suites: a new RSA key for each of them would take a third of a second. */
export const credentials = JSON.parse(process.env['TEST_CREDENTIALS'] ?? '') as ReturnType<
  typeof newCredentials
>;
