import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWK } from 'jose';
import type { Channel, User } from '../login/login.js';
import type { PhoneNumber } from '../phone.js';
import { nowInSeconds, type World } from '../world.js';
import type { AssertionSettings } from './settings.js';

/** Seconds an assertion is good for: one call from the app to an API, or a few. */
const LIFE = 60;

/**
 * The authentication method of each channel (RFC 8176). `sms` is registered there, the other two
 * are ours.
 */
const AMR: Record<Channel, string> = { silent_auth: 'sim', sms: 'sms', voice: 'voice' };

/** Tells other services who is logged in, in a form that they can check by themselves. */
export interface Assertions {
  audiences: readonly string[];
  /**
   * A JWT (RFC 7519) signed by ES256, for one audience.
   * @returns it, and the milliseconds since the epoch at which it ends
   */
  assert(user: User, audience: string): Promise<{ assertion: string; expiresAt: number }>;
  /** The public keys, as a JWK Set (RFC 7517 section 5). */
  published(): Promise<{ keys: JWK[] }>;
}

export function createAssertions(
  deps: AssertionSettings & { issuer: string; world: Pick<World, 'now' | 'random'> },
): Assertions {
  const { keys, audiences, issuer, world } = deps;
  const published = Promise.all(keys.map(publicJwk));

  return {
    audiences,
    async assert({ phoneNumber, channels, authenticatedAt }, audience) {
      const [{ kid } = {}] = await published;
      const iat = nowInSeconds(world);
      const assertion = await new SignJWT({
        auth_time: Math.floor(authenticatedAt / 1000),
        amr: channels.map((channel) => AMR[channel]),
        ...(deps.withPhoneNumber && { phone_number: phoneNumber }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: kid as string })
        .setIssuer(issuer)
        .setSubject(subjectOf(deps.subjectSecret, audience, phoneNumber))
        .setAudience(audience)
        .setIssuedAt(iat)
        .setExpirationTime(iat + LIFE)
        .setJti(world.random(16).toString('hex'))
        .sign(keys[0] as KeyObject);
      return { assertion, expiresAt: (iat + LIFE) * 1000 };
    },
    published: async () => ({ keys: await published }),
  };
}

/**
 * The name of a number at one audience (pairwise, OpenID Connect Core section 8.1): HMAC-SHA256 over both, parted by a line
 * end, which neither can have in it.
 */
const subjectOf = (secret: string, audience: string, phoneNumber: PhoneNumber): string =>
  createHmac('sha256', secret).update(`${audience}\n${phoneNumber}`).digest('base64url');

/** The public half, named by its thumbprint (RFC 7638). */
async function publicJwk(privateKey: KeyObject): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(createPublicKey(privateKey));
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
}
