import type { Router } from 'express';
import { z } from 'zod';
import { LoginError } from '../errors.js';
import type { Sessions } from '../session/login-session.js';
import { methodNotAllowed, sendJson } from '../web/answers.js';
import { bodyOf } from '../web/body.js';
import type { Assertions } from './assertion.js';

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
      sendJson(res, 200, keys, { type: 'application/jwk-set+json' });
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
      if (user === undefined) throw new LoginError('not_authenticated', 'Nobody is logged in here.');
      const { assertion, expiresAt } = await assertions.assert(user, audience);
      sendJson(res, 200, { assertion, expires_at: new Date(expiresAt).toISOString() });
    })
    .all(methodNotAllowed('POST'));
}
