import type { Request } from 'express';
import { LoginError, SetupError } from '../core/errors.js';
import type { User } from '../login/login.js';
import { createLoginSession, NOT_LOADED, type Carrier } from './login-session.js';
import type { Sessions } from '../login/routes.js';
import {
  createSessionRecords,
  isSessionId,
  sessionEnded,
  type SessionDeps,
  type SessionRecords,
  type SessionState,
} from './records.js';

/** What we keep in the session of another app. */
interface CarriedSession {
  /** The id of our record. */
  id: string;
  /**
   * A keyed name of the number whose data the app keeps in its session, once somebody has logged
   * in.
   */
  owner?: string | undefined;
}

declare module 'express-session' {
  interface SessionData {
    silentAuth?: CarriedSession;
  }
}

type HostSession = Request['session'];

/** What one request was found to carry. */
interface Visit {
  id?: string | undefined;
  /** Absent where there is no id, or the session it names ended or goes on under a newer secret. */
  record?: { state: SessionState; stored: string } | undefined;
}

const NO_SESSION =
  'req.session is missing: its store is away, or express-session has to be mounted before createSilentAuth';
const OTHER_SESSION =
  "req.session is not one of express-session: session: 'host' wants express-session, since a login gives the session a new id";

/**
 * Sessions that the session of another app carries: `req.session.silentAuth.id` is the id of a
 * record of ours. The record is sealed, ends when it should, and what ended stays ended, whatever
 * the store of the app does.
 */
export function createHostSessions(deps: SessionDeps): Sessions {
  const records = createSessionRecords(deps);
  const visits = new WeakMap<Request, Visit>();
  const visitOf = (req: Request): Visit => {
    const visit = visits.get(req);
    if (visit === undefined) throw new SetupError(NOT_LOADED);
    return visit;
  };

  const open = async (req: Request): Promise<void> => {
    const { session } = req as { session?: Partial<HostSession> | null };
    if (session && typeof session.regenerate !== 'function') throw new SetupError(OTHER_SESSION);
    if (!session) deps.world.log.error({}, NO_SESSION);
    const carried: unknown = sessionOf(req).silentAuth;
    const visit = await read(records, (carried as Partial<CarriedSession> | undefined)?.id);
    visits.set(req, visit);
    const { id, record } = visit;
    // A session that could not be touched ends earlier.
    if (id !== undefined && record) await records.touch(id, record.state).catch(() => undefined);
  };

  return {
    load: (req, _res, next) => void open(req).then(() => next(), next),
    loginSession: (req) => createLoginSession(carrierOf(req, visitOf(req), records), records),
    user(req): (User & { expiresAt: number }) | undefined {
      const user = records.currentUser(visitOf(req).record?.state ?? {});
      return user && { ...user, expiresAt: records.expiryOf(user) };
    },
    async signOut(req) {
      const { id } = visitOf(req);
      visits.set(req, {});
      if (id !== undefined) await records.end(id);
      // Another request may have ended the app's session meanwhile.
      const { session } = req as { session?: HostSession };
      if (session !== undefined) await settled(req, (done) => session.destroy(done));
    },
  };
}

async function read(records: SessionRecords, id: unknown): Promise<Visit> {
  if (!isSessionId(id)) return {};
  const record = await records.read(id);
  if (record === undefined || record === 'outdated') return { id };
  const { login, user, stored } = record;
  return { id, record: { state: { login, user }, stored } };
}

function carrierOf(req: Request, visit: Visit, records: SessionRecords): Carrier {
  const writeRecord = async (id: string, state: SessionState): Promise<boolean> => {
    const stored = await records.write(id, state, visit.record?.stored);
    if (stored === undefined) return false;
    Object.assign(visit, { id, record: { state, stored } });
    return true;
  };

  /** Has the app's session carry our new id instead of `before`, under a new id of its own. */
  const carry = async (before: Readonly<Visit>, id: string, { user }: SessionState): Promise<void> => {
    await reopen(req, before.id);
    const { silentAuth: carried, ...fields } = fieldsOf(req);
    const names = user ? records.ownerNames(user.phoneNumber) : [];
    const isSameOwner = !user || carried?.owner === undefined || names.includes(carried.owner);
    // What the app keeps for one user is not for the next, nor for a visitor who comes after a
    // session that ended.
    const kept = carried === undefined || (before.record && isSameOwner);
    const owner = user ? names[0] : kept ? carried?.owner : undefined;
    await renew(req, { ...(kept && fields), silentAuth: { id, owner } });
  };

  return {
    get state() {
      return visit.record?.state ?? {};
    },
    async reload() {
      Object.assign(visit, { record: undefined }, await read(records, visit.id));
      if (visit.record === undefined) throw sessionEnded();
    },
    async write(state, renewed) {
      const before = { ...visit };
      if (!renewed) {
        if (before.id === undefined || before.record === undefined) throw sessionEnded();
        return writeRecord(before.id, state);
      }
      const id = before.id && before.record ? records.renewedId(before.id) : records.newId();
      if (!(await writeRecord(id, state))) return false;
      await carry(before, id, state).catch(async (error: unknown) => {
        // Nothing carries the new id: the session under it must not live on.
        await records.end(id).catch(() => undefined);
        throw error;
      });
      return true;
    },
  };
}

/**
 * @throws LoginError `unavailable` where there is no session: express-session gives none while its
 * store is away
 */
function sessionOf(req: Request): HostSession {
  const { session } = req as { session?: HostSession };
  if (!session) throw away();
  return session;
}

/** What the app, and we, keep in its session. */
const fieldsOf = (req: Request): { silentAuth?: CarriedSession; [name: string]: unknown } =>
  Object.fromEntries(Object.entries(sessionOf(req)).filter(([name]) => name !== 'cookie'));

/**
 * Reads the app's session again, so that what another request changed meanwhile is kept.
 * @throws LoginError `login_expired` if it ended, or carries another id than ours by now
 */
async function reopen(req: Request, carried: string | undefined): Promise<void> {
  const session = sessionOf(req);
  // A session that did not come with the request was never saved, so there is nothing to read.
  if (cameWith(req)) await settled(req, (done) => session.reload(done));
  const { id } = (req.session.silentAuth ?? {}) as Partial<CarriedSession>;
  if ((isSessionId(id) ? id : undefined) !== carried) throw sessionEnded();
}

/**
 * Whether the cookie of the request names its session: express-session gives any other request a
 * session with a new id.
 */
const cameWith = ({ headers, sessionID }: Request): boolean =>
  headers.cookie?.includes(encodeURIComponent(`s:${sessionID}.`)) === true;

/**
 * Gives the app's session a new id, with these fields and no other, and saves it before anything is
 * answered.
 */
async function renew(req: Request, fields: object): Promise<void> {
  const session = sessionOf(req);
  await settled(req, (done) => session.regenerate(done));
  Object.assign(req.session, fields);
  await settled(req, (done) => req.session.save(done));
}

/** What express-session says of a session that is not in its store. */
const GONE = 'failed to load session';

/** A step of express-session as a promise. */
const settled = (req: Request, ask: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (!error) return resolve();
      // express-session would save as the answer ends, and might then succeed at what was said to
      // have failed.
      Reflect.deleteProperty(req, 'session');
      reject(error instanceof Error && error.message === GONE ? sessionEnded(error) : away(error));
    });
  });

const away = (cause?: unknown): LoginError =>
  new LoginError('unavailable', 'The session store did not answer. Try again.', { retry_after: 1, cause });
