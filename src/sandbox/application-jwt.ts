import type { RequestHandler, Response } from 'express';
import { errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { nowInSeconds } from '../world.js';
import { bearerIn } from './bearer.js';
import { sendProblem } from './problem.js';
import type { Stage } from './state.js';

/** How far ahead the customer's clock may be, in seconds. */
const LEEWAY = 30;

/** The longest life Vonage accepts, in seconds: 24 hours. */
const LONGEST_LIFE = 24 * 60 * 60;

/** What is wrong with the claims, or undefined. A repeated `jti` is fine: clients keep one JWT for minutes. */
const faultIn = ({ application_id, iat, exp, jti }: JWTPayload, stage: Stage): string | undefined => {
  if (application_id !== stage.applicationId) return 'application_id is not this application';
  if (typeof iat !== 'number') return 'iat is missing';
  if (iat > nowInSeconds(stage.world) + LEEWAY) return 'iat is in the future';
  if (typeof exp !== 'number') return 'exp is missing';
  if (exp - iat > LONGEST_LIFE) return 'it lives longer than 24 hours';
  if (typeof jti !== 'string' || jti === '') return 'jti is missing';
  return undefined;
};

const EXPIRED = 'the JWT has expired';

const faultOf = async (authorization: string | undefined, stage: Stage): Promise<string | undefined> => {
  const token = bearerIn(authorization);
  if (token === undefined) return 'a Bearer JWT is missing';
  try {
    const currentDate = new Date(stage.world.now());
    const { payload } = await jwtVerify(token, stage.publicKey, { algorithms: ['RS256'], currentDate });
    return faultIn(payload, stage);
  } catch (error) {
    if (error instanceof errors.JWTExpired) return EXPIRED;
    return error instanceof errors.JOSEError ? error.message : 'the JWT cannot be read';
  }
};

/**
 * Lets through only requests that carry a JWT signed with the application's private key; says why it refuses.
 * `sendExpired` answers for APIs that have words of their own for a JWT that was good once.
 */
export const requireApplicationJwt =
  (stage: Stage, sendExpired?: (res: Response) => void): RequestHandler =>
  async (req, res, next) => {
    const fault = await faultOf(req.headers.authorization, stage);
    if (fault === undefined) next();
    else if (fault === EXPIRED && sendExpired) sendExpired(res);
    else sendProblem(res, stage.world, 'unauthorized', `You did not provide correct credentials: ${fault}.`);
  };
