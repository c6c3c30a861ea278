import type { Router } from 'express';
import { methodNotAllowed, sendJson } from '../http/json.js';
import { requestIdOf } from '../http/protection.js';
import type { Flow } from '../login/flow.js';
import type { Sessions } from '../login/routes.js';
import type { Journal } from '../observability/journal.js';

/** `GET /session` and `POST /logout`. */
export function sessionRoutes(
  router: Router,
  { sessions, flow, journal }: { sessions: Sessions; flow: Pick<Flow, 'cancel'>; journal: Journal },
): void {
  router
    .route('/session')
    .get(sessions.load, (req, res) => {
      const user = sessions.user(req);
      const body = user && {
        authenticated: true,
        phone_number: user.phoneNumber,
        channel: user.channel,
        ...(user.channels.length > 1 && { channels: user.channels }),
        authenticated_at: new Date(user.authenticatedAt).toISOString(),
        expires_at: new Date(user.expiresAt).toISOString(),
      };
      sendJson(res, { status: 200, body: body ?? { authenticated: false } });
    })
    .all(methodNotAllowed('GET, HEAD'));

  router
    .route('/logout')
    .post(sessions.load, async (req, res) => {
      const session = sessions.loginSession(req);
      const requestId = requestIdOf(res);
      const hasEnded = session.login !== undefined || sessions.user(req) !== undefined;
      // Clients log out without a session too, and that is no step of a login.
      const level = hasEnded ? 'info' : 'debug';
      await journal.step({ step: 'logout', requestId, level }, async (annotate) => {
        annotate({ login_id: session.login?.id });
        await flow.cancel({ session, requestId });
        await sessions.signOut(req, res);
      });
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));
}
