import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { Channel, User } from '../login/login.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { nowInSeconds, type World } from '../core/world.js';
import type { AssertionSettings } from '../config/assertions.js';
import type { Router } from 'express';
import { z } from 'zod';
import { LoginError } from '../core/errors.js';
import type { Sessions } from '../login/routes.js';
import { methodNotAllowed, sendJson } from '../http/json.js';
import { bodyOf } from '../http/json.js';

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

/** Seconds for which the keys may be kept. A new key is published so long before it signs (docs/assertions.md). */
const KEYS_LIFE = 300;

/**
 * `GET /.well-known/jwks.json`: what assertions are checked with. Public, and the only answer that
 * may be kept.
 * @param inApp whether another app is around: its answers may carry its cookie, which no shared
 * cache may keep
 */
export function keyRoutes(router: Router, assertions: Assertions, inApp: boolean): void {
  const scope = inApp ? 'private' : 'public';
  router
    .route('/.well-known/jwks.json')
    .get(async (_req, res) => {
      const keys = await assertions.published();
      res.setHeader('Cache-Control', `${scope}, max-age=${KEYS_LIFE}`);
      sendJson(res, { status: 200, body: keys, type: 'application/jwk-set+json' });
    })
    .all(methodNotAllowed('GET, HEAD'));
}

/** `POST /session/assertion`: who is logged in, for another service to check. It is given to that session alone. */
export function assertionRoutes(router: Router, assertions: Assertions, sessions: Sessions): void {
  const { audiences } = assertions;
  const [first = ''] = audiences;
  const Body = z.strictObject({
    audience: z.enum(audiences, { error: 'ASSERTION_AUDIENCE does not list this audience.' }).optional(),
  });
  router
    .route('/session/assertion')
    .post(sessions.load, async (req, res) => {
      const { audience = first } = bodyOf(req, Body);
      const user = sessions.user(req);
      if (user === undefined)
        throw new LoginError('not_authenticated', 'Log in before requesting an assertion.');
      const { assertion, expiresAt } = await assertions.assert(user, audience);
      sendJson(res, { status: 200, body: { assertion, expires_at: new Date(expiresAt).toISOString() } });
    })
    .all(methodNotAllowed('POST'));
}
