import { randomBytes } from 'node:crypto';
import type { newCredentials } from '../../src/sandbox/credentials.js';

/** The credentials of all suites. A new RSA key for each would take a third of a second. */
export const credentials = JSON.parse(process.env['TEST_CREDENTIALS'] ?? '') as ReturnType<
  typeof newCredentials
>;

/** A new `SESSION_SECRET`. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
