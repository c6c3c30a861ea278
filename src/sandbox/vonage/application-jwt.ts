import type { Request, RequestHandler } from 'express';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { nowInSeconds } from '../../core/world.js';
import { Problem } from '../http/problems.js';
import { bearerToken } from '../http/requests.js';
import type { SandboxState } from '../state/state.js';

/** Tolerance for a customer's clock that is ahead. */
const LEEWAY_SECONDS = 30;

/**
 * How long Vonage accepts a JWT at the most, and how long without an `exp`, which its SDK for Java
 * does not send (Vonage support, "How long is my JSON Web Token valid for?").
 */
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;
const DEFAULT_LIFETIME_SECONDS = 15 * 60;

const EXPIRED = 'the JWT has expired';

/** The reason why the claims are invalid. A JWT, and its `jti`, may be used several times. */
const invalidClaim = (claims: JWTPayload, { applicationId, world }: SandboxState): string | undefined => {
  const { application_id, iat, exp, jti } = claims;
  if (application_id !== applicationId) return 'application_id is not this application';
  if (typeof iat !== 'number') return 'iat is missing';
  const age = nowInSeconds(world) - iat;
  if (age < -LEEWAY_SECONDS) return 'iat is in the future';
  if (age >= (exp === undefined ? DEFAULT_LIFETIME_SECONDS : MAX_LIFETIME_SECONDS)) return EXPIRED;
  if (typeof jti !== 'string' || jti === '') return 'jti is missing';
  return undefined;
};

const invalidJwt = async ({ headers }: Request, state: SandboxState): Promise<string | undefined> => {
  const token = bearerToken(headers.authorization);
  if (token === undefined) return 'a Bearer JWT is missing';
  try {
    const currentDate = new Date(state.world.now());
    const { payload } = await jwtVerify(token, state.publicKey, { algorithms: ['RS256'], currentDate });
    return invalidClaim(payload, state);
  } catch (error) {
    if (error instanceof errors.JWTExpired) return EXPIRED;
    return error instanceof errors.JOSEError ? error.message : 'the JWT cannot be read';
  }
};

/** @param expired the problem for an expired JWT, if the API has a specific one */
export const requireApplicationJwt =
  (state: SandboxState, expired?: 'jwtExpired'): RequestHandler =>
  async (req, _res, next) => {
    const reason = await invalidJwt(req, state);
    if (reason === undefined) next();
    else if (reason === EXPIRED && expired) throw new Problem(expired);
    else throw new Problem('unauthorized', { detail: `You did not provide correct credentials: ${reason}.` });
  };
