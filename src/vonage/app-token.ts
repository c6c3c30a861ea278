import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { nowInSeconds, type World } from '../world.js';

/** Seconds. CAMARA's rule for client assertions; Vonage's own SDKs use 900. */
const LIFE = 300;

/** Seconds before its end at which a token is no longer handed out, so that none expires on its way. */
const MARGIN = 30;

/**
 * Keeps a Vonage application JWT (RS256; `application_id`, `iat`, `jti`, `exp`) at hand. Signing costs about a
 * millisecond, so one token serves all calls until shortly before it expires, and callers who come while it is being
 * signed wait for the same one.
 */
export function createAppToken(
  applicationId: string,
  privateKey: KeyObject,
  world: World,
): () => Promise<string> {
  let current: Promise<string> | undefined;
  let goodUntil = 0;

  const sign = (iat: number): Promise<string> =>
    new SignJWT({ application_id: applicationId })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuedAt(iat)
      .setJti(world.random(16).toString('hex'))
      .setExpirationTime(iat + LIFE)
      .sign(privateKey);

  return () => {
    const now = nowInSeconds(world);
    // A clock that was set back would leave a token of the future in use: that one is dropped as well.
    const fresh = now < goodUntil && now >= goodUntil - LIFE;
    if (current === undefined || !fresh) {
      goodUntil = now + LIFE - MARGIN;
      current = sign(now);
      current.catch(() => (current = undefined));
    }
    return current;
  };
}
