import type { Request, RequestHandler, Response, Router } from 'express';
import { LoginError } from '../core/errors.js';
import { iso, methodNotAllowed, refuseFields, sendJson } from '../http/json.js';
import { requestIdOf } from '../http/protection.js';
import type { Flow } from '../login/flow.js';
import type { Notify } from '../login/hooks.js';
import type { Sessions } from '../login/routes.js';
import type { Journal } from '../observability/journal.js';
import type { CurrentSession, UserSession, UserSessions } from './user-sessions.js';

export interface SessionRoutesDeps {
  sessions: Sessions;
  userSessions: UserSessions;
  flow: Pick<Flow, 'cancel'>;
  journal: Journal;
  notify: Notify | undefined;
}

/** `GET /session`, `POST /logout`, `GET` and `DELETE /sessions`, and `DELETE /sessions/:id`. */
export function sessionRoutes(router: Router, deps: SessionRoutesDeps): void {
  const { sessions } = deps;
  const { load } = sessions;

  router
    .route('/session')
    .get(load, (req, res) => {
      const user = sessions.user(req);
      const body = user && {
        authenticated: true,
        phone_number: user.phoneNumber,
        channel: user.channel,
        ...(user.channels.length > 1 && { channels: user.channels }),
        authenticated_at: iso(user.authenticatedAt),
        expires_at: iso(user.expiresAt),
      };
      sendJson(res, { status: 200, body: body ?? { authenticated: false } });
    })
    .all(methodNotAllowed('GET, HEAD'));

  const signOut: SignOut = async (req, res) => {
    await deps.flow.cancel({ session: sessions.loginSession(req), requestId: requestIdOf(res) });
    return sessions.signOut(req, res);
  };

  router
    .route('/logout')
    .post(refuseFields, load, async (req, res) => {
      const { login } = sessions.loginSession(req);
      const hasEnded = login !== undefined || sessions.user(req) !== undefined;
      // Clients log out without a session too, and that is no step of a login.
      const level = hasEnded ? 'info' : 'debug';
      await deps.journal.step({ step: 'logout', requestId: requestIdOf(res), level }, async (annotate) => {
        annotate({ login_id: login?.id });
        await signOut(req, res);
      });
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));

  userSessionRoutes(router, deps, signOut);
}

/** @returns whether a session ended: false if another request has just ended it */
type SignOut = (req: Request, res: Response) => Promise<boolean>;

function userSessionRoutes(router: Router, deps: SessionRoutesDeps, signOut: SignOut): void {
  const { sessions, userSessions, journal, notify } = deps;

  /** @throws LoginError `not_authenticated` */
  const currentOf = (req: Request): CurrentSession => {
    const user = sessions.user(req);
    if (user === undefined) throw new LoginError('not_authenticated', 'The session is not logged in.');
    return { handle: sessions.handle(req), user };
  };

  /** @param end ends sessions, and returns their ids */
  const revoking =
    (
      end: (current: CurrentSession, req: Request, res: Response) => Promise<readonly string[]>,
    ): RequestHandler =>
    async (req, res) => {
      const [current, requestId] = [currentOf(req), requestIdOf(res)];
      const { phoneNumber } = current.user;
      await journal.step({ step: 'revoke', requestId, phoneNumber }, async (annotate) => {
        const sessionIds = await end(current, req, res);
        annotate({ by: 'user', ended: sessionIds.length });
        if (sessionIds.length > 0)
          notify?.({ type: 'session_revoked', by: 'user', phoneNumber, sessionIds, requestId });
      });
      res.status(204).end();
    };

  router
    .route('/sessions')
    .get(sessions.load, async (req, res) => {
      const current = currentOf(req);
      const found = await userSessions.list(current.user.phoneNumber, current);
      const body = found.map((each) => ({ ...sessionJson(each), current: each.current }));
      sendJson(res, { status: 200, body: { sessions: body } });
    })
    .delete(
      refuseFields,
      sessions.load,
      revoking(async (current, req, res) => {
        const all = wantsAll(req.query);
        const ended = await userSessions.revoke(current.user.phoneNumber, current.handle);
        if (!all) return ended;
        const id = await userSessions.idOf(current);
        // Last, because after a failure only a logged-in session can try again.
        return (await signOut(req, res)) ? [...ended, id] : ended;
      }),
    )
    .all(methodNotAllowed('GET, HEAD, DELETE'));

  router
    .route('/sessions/:id')
    .delete(
      refuseFields,
      sessions.load,
      revoking(async (current, req, res) => {
        const id = String(req.params['id']);
        const ended = await userSessions.end(current, id);
        if (ended === undefined) throw new LoginError('not_found', 'The user has no such session.');
        if (ended !== 'current') return ended;
        return (await signOut(req, res)) ? [id] : [];
      }),
    )
    .all(methodNotAllowed('DELETE'));
}

/** A session in the answers to users and operators. */
export const sessionJson = ({ id, authenticatedAt, channels, lastUsedAt, expiresAt }: UserSession) => ({
  id,
  authenticated_at: iso(authenticatedAt),
  channels,
  last_used_at: iso(lastUsedAt),
  expires_at: iso(expiresAt),
});

/** @throws LoginError `invalid_request` for any query but `?all=true` */
function wantsAll({ all, ...others }: Request['query']): boolean {
  if (all === undefined && Object.keys(others).length === 0) return false;
  if (all !== 'true' || Object.keys(others).length > 0)
    throw new LoginError('invalid_request', 'The query may be empty, or `all=true`.');
  return true;
}
