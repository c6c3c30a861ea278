import type { Request } from 'express';
import session from 'express-session';
import { LoginError } from '../errors.js';

/** What express-session does for the session of one request, as promises; and what it would do by itself, left out. */

type SessionObject = Request['session'];

/** Gives the request a new and empty session. Our store asks nobody for that (`store.ts`), so it cannot fail. */
export const regenerate = (req: Request): Promise<void> =>
  new Promise((resolve) => req.session.regenerate(() => resolve()));

/** Reads the session again, so that what another request changed meanwhile is not written over. */
export const reload = (req: Request): Promise<void> =>
  new Promise((resolve, reject) => {
    req.session.reload((error: unknown) => {
      if (!error) {
        leaveAsIs(req.session);
        return resolve();
      }
      if (error instanceof LoginError) return reject(error);
      Reflect.deleteProperty(req, 'session');
      reject(new LoginError('login_expired', 'The session has ended meanwhile.', {}, undefined, error));
    });
  });

export const destroy = (req: Request): Promise<void> =>
  new Promise((resolve, reject) =>
    req.session.destroy((error: Error | undefined) => (error ? reject(error) : resolve())),
  );

/** Saves before the answer goes out: a fast client must find the session, and a failing store must be an error. */
export const save = (req: Request): Promise<void> =>
  new Promise((resolve, reject) => {
    const { prototype } = session.Session as { prototype: SessionObject };
    prototype.save.call(req.session, (error: Error | undefined) => {
      if (error) {
        // express-session would try once more as the answer ends, and might then succeed at what was said to have failed.
        Reflect.deleteProperty(req, 'session');
        return reject(error);
      }
      leaveAsIs(req.session);
      resolve();
    });
  });

/**
 * express-session writes a session that is not as it was first loaded when the answer ends. By then another request may
 * have changed or ended it, so nothing is written but by {@link save}.
 */
const leaveAsIs = (read: SessionObject): void => {
  read.save = (done) => (done?.(undefined), read);
};
