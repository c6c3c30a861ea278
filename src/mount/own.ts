import type { Request } from 'express';
import { SetupError } from '../errors.js';
import type { Sessions } from '../session/session.js';

/**
 * Sessions by a cookie of our own, in an app that must not have any: express-session leaves a `req.session` that is there as it
 * is, and what belongs to a login would end up in the app's.
 */
export function alone(sessions: Sessions): Sessions {
  const ours = new WeakSet<Request>();
  return {
    ...sessions,
    load: (req, res, next) => {
      const { session } = req as { session?: unknown };
      if (session !== undefined && !ours.has(req)) {
        const why = "the app has a req.session: give createSilentAuth session: 'host', or mount it before";
        next(new SetupError(why));
        return;
      }
      ours.add(req);
      void sessions.load(req, res, next);
    },
  };
}
