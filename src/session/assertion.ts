import { createHmac, type KeyObject } from 'node:crypto';
import type { Router } from 'express';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { AssertionSettings } from '../config/assertions.js';
import { LoginError } from '../core/errors.js';
import { publicJwk } from '../core/keys.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { nowInSeconds, type World } from '../core/world.js';
import { bodyOf, iso, methodNotAllowed, sendJson } from '../http/json.js';
import type { Channel, User } from '../login/login.js';
import type { Sessions } from '../login/routes.js';

/** Long enough for the app to call an API with it. */
const ASSERTION_TTL_SECONDS = 60;

/** Authentication methods, one for each channel: `sms` and `tel` of RFC 8176; others are ours. */
const AMR: Record<Channel, string> = {
  silent_auth: 'sim',
  sms: 'sms',
  rcs: 'rcs',
  whatsapp: 'whatsapp',
  voice: 'tel',
};

export type Assertions = ReturnType<typeof createAssertions>;

export function createAssertions(
  deps: AssertionSettings & { issuer: string; world: Pick<World, 'now' | 'random'> },
) {
  const { keys, audiences, issuer, world } = deps;
  const [signingKey] = keys;
  const published = signingKey && publicJwk(signingKey);

  return {
    audiences,
    now: (): number => world.now(),
    /** Signs a JWT (RFC 7519, ES256). @returns `expiresAt` in milliseconds since the epoch */
    async assert({ phoneNumber, channels, authenticatedAt, simSwap }: User, audience: string) {
      const kid = (await published)?.kid;
      const iat = nowInSeconds(world);
      const assertion = await new SignJWT({
        auth_time: Math.floor(authenticatedAt / 1000),
        amr: channels.map((channel) => AMR[channel]),
        ...(simSwap !== undefined && { sim_swap: simSwap }),
        ...(deps.withPhoneNumber && { phone_number: phoneNumber }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: kid as string })
        .setIssuer(issuer)
        .setSubject(subjectOf(deps.subjectSecret, audience, phoneNumber))
        .setAudience(audience)
        .setIssuedAt(iat)
        .setExpirationTime(iat + ASSERTION_TTL_SECONDS)
        .setJti(world.random(16).toString('hex'))
        .sign(signingKey as KeyObject);
      return { assertion, expiresAt: (iat + ASSERTION_TTL_SECONDS) * 1000 };
    },
  };
}

/**
 * The pairwise subject of a number at one audience (OpenID Connect Core section 8.1): HMAC-SHA256
 * over both, separated by a line end, which neither can contain.
 */
const subjectOf = (secret: string, audience: string, phoneNumber: PhoneNumber): string =>
  createHmac('sha256', secret).update(`${audience}\n${phoneNumber}`).digest('base64url');

/** A new key is published for as long before it signs (docs/assertions.md). */
const KEYS_MAX_AGE_SECONDS = 300;

/**
 * `GET /.well-known/jwks.json`: the public halves of `keys` (RFC 7517 section 5), with which other
 * services check assertions, and an operator the JWTs of this client.
 * @param inApp whether a host app is around: it may add its cookie to the answer, so shared caches
 * must not store it
 */
export function keyRoutes(router: Router, keys: readonly KeyObject[], inApp: boolean): void {
  const published = Promise.all(keys.map(publicJwk));
  const scope = inApp ? 'private' : 'public';
  router
    .route('/.well-known/jwks.json')
    .get(async (_req, res) => {
      const body = { keys: await published };
      res.setHeader('Cache-Control', `${scope}, max-age=${KEYS_MAX_AGE_SECONDS}`);
      sendJson(res, { status: 200, body, type: 'application/jwk-set+json' });
    })
    .all(methodNotAllowed('GET, HEAD'));
}

/** Seconds; longer than a session lives. */
const HIGHEST_MAX_AGE = 86_400;

export function assertionRoutes(router: Router, assertions: Assertions, sessions: Sessions): void {
  const { audiences } = assertions;
  const [first = ''] = audiences;
  const Body = z.strictObject({
    audience: z.enum(audiences, { error: 'ASSERTION_AUDIENCE does not list this audience.' }).optional(),
    max_age: z
      .int({ error: 'Must be a whole number of seconds.' })
      .min(0, 'At least 0.')
      .max(HIGHEST_MAX_AGE, `At most ${HIGHEST_MAX_AGE}.`)
      .optional(),
  });
  router
    .route('/session/assertion')
    .post(sessions.load, async (req, res) => {
      const { audience = first, max_age: maxAge = Infinity } = bodyOf(req, Body);
      const user = sessions.user(req);
      if (user === undefined)
        throw new LoginError('not_authenticated', 'Log in before requesting an assertion.');
      if (assertions.now() - user.authenticatedAt > maxAge * 1000)
        throw new LoginError(
          'reauthentication_required',
          'The number was proved too long ago. Send `"reauthenticate": true` to `/login`.',
        );
      const { assertion, expiresAt } = await assertions.assert(user, audience);
      sendJson(res, { status: 200, body: { assertion, expires_at: iso(expiresAt) } });
    })
    .all(methodNotAllowed('POST'));
}
