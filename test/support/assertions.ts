import { generateKeyPairSync } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify, type JWTVerifyResult } from 'jose';
import type { House } from './house.js';

/** A key to sign assertions with, as PEM. */
export const newSigningKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;

export const API = 'https://api.example.com';
export const OTHER_API = 'https://billing.example.com';

/** Settings with which a house tells two services who is logged in. */
export const ASSERTIONS = {
  ASSERTION_KEYS: newSigningKey(),
  ASSERTION_AUDIENCE: `${API},${OTHER_API}`,
  ASSERTION_SUBJECT_SECRET: 'u'.repeat(32),
};

/** Checks an assertion as a service behind the server does, with keys that it fetches. @param at milliseconds since the epoch */
export const check = (
  { base, world }: Pick<House, 'base' | 'world'>,
  assertion: string,
  { audience = API, at = world.now() } = {},
): Promise<JWTVerifyResult> =>
  jwtVerify(assertion, createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`)), {
    issuer: base,
    audience,
    algorithms: ['ES256'],
    currentDate: new Date(at),
  });
