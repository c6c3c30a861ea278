import type { Request } from 'express';
import { LoginError } from '../errors.js';

declare module 'express-session' {
  interface SessionData {
    /** In the session of another app: the id of ours. */
    silentAuth?: string;
  }
}

type HostSession = Request['session'];

/** Whether express-session gave a request of another app a session. It gives none while its store is away. */
export const hasSession = (req: Request): boolean =>
  typeof (req as { session?: HostSession }).session?.regenerate === 'function';

/** @throws LoginError `unavailable` where there is no session */
export function sessionOf(req: Request): HostSession {
  if (!hasSession(req)) throw away();
  return req.session;
}

/** What the other app keeps in a session. */
export const fieldsOf = (req: Request): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(sessionOf(req)).filter(([name]) => name !== 'cookie' && name !== 'silentAuth'),
  );

/**
 * Reads the session again, so that what another request changed meanwhile is not lost.
 * @throws LoginError `login_expired` if it ended, or carries another id than ours by now
 */
export async function reopen(req: Request, carried: string): Promise<void> {
  const session = sessionOf(req);
  await told(req, (done) => session.reload(done));
  if (req.session.silentAuth !== carried) throw ended();
}

/** Gives the session a new id, with these fields and no other, and saves it before anything is answered. */
export async function renew(req: Request, fields: Record<string, unknown>): Promise<void> {
  const session = sessionOf(req);
  await told(req, (done) => session.regenerate(done));
  Object.assign(req.session, fields);
  await told(req, (done) => req.session.save(done));
}

export async function end(req: Request): Promise<void> {
  const session = sessionOf(req);
  await told(req, (done) => session.destroy(done));
}

/** What express-session says of a session that is not in its store. */
const GONE = 'failed to load session';

const told = (req: Request, ask: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (!error) return resolve();
      // express-session would save as the answer ends, and might then succeed at what was said to have failed.
      Reflect.deleteProperty(req, 'session');
      reject(error instanceof Error && error.message === GONE ? ended(error) : away(error));
    });
  });

export const ended = (cause?: unknown): LoginError =>
  new LoginError('login_expired', 'The session has ended meanwhile.', {}, undefined, cause);

const away = (cause?: unknown): LoginError =>
  new LoginError('unavailable', 'There is no session. Try again.', { retry_after: 1 }, undefined, cause);
