import { generateKeyPairSync } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify, type JWTVerifyResult } from 'jose';
import type { System } from './system.js';

/** A key that signs assertions, as PEM. */
export const newSigningKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;

export const API = 'https://api.example.com';
export const OTHER_API = 'https://billing.example.com';

/** Settings of a server that issues assertions for two services. */
export const ASSERTIONS = {
  ASSERTION_KEYS: newSigningKey(),
  ASSERTION_AUDIENCE: `${API},${OTHER_API}`,
  ASSERTION_SUBJECT_SECRET: 'u'.repeat(32),
};

/**
 * Verifies an assertion like a service behind the server, with the published keys.
 * @param at milliseconds since the epoch
 */
export const check = (
  { base, world }: Pick<System, 'base' | 'world'>,
  assertion: string,
  { audience = API, at = world.now() } = {},
): Promise<JWTVerifyResult> =>
  jwtVerify(assertion, createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`)), {
    issuer: base,
    audience,
    algorithms: ['ES256'],
    currentDate: new Date(at),
  });
