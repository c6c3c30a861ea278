import type { Router } from 'express';
import type { Flow } from '../login/flow.js';
import type { Journal } from '../login/journal.js';
import { methodNotAllowed, sendJson } from '../http/answers.js';
import { requestIdOf } from '../http/protection.js';
import type { Sessions } from '../login/routes.js';

/** `GET /session` and `POST /logout`. */
export function sessionRoutes(
  router: Router,
  sessions: Sessions,
  flow: Pick<Flow, 'cancel'>,
  journal: Pick<Journal, 'step'>,
): void {
  router
    .route('/session')
    .get(sessions.load, (req, res) => {
      const user = sessions.user(req);
      if (user === undefined) {
        sendJson(res, 200, { authenticated: false });
        return;
      }
      sendJson(res, 200, {
        authenticated: true,
        phone_number: user.phoneNumber,
        channel: user.channel,
        ...(user.channels.length > 1 && { channels: user.channels }),
        authenticated_at: new Date(user.authenticatedAt).toISOString(),
        expires_at: new Date(user.expiresAt).toISOString(),
      });
    })
    .all(methodNotAllowed('GET, HEAD'));

  router
    .route('/logout')
    .post(sessions.load, async (req, res) => {
      const holder = sessions.holder(req);
      await journal.step('logout', requestIdOf(res), { login_id: holder.former?.id }, async () => {
        await flow.cancel(holder, requestIdOf(res));
        await sessions.signOut(req, res);
      });
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));
}
