import type { Request } from 'express';
import { LoginError, SetupError } from '../core/errors.js';
import type { Sessions } from '../login/routes.js';
import {
  createSessionRecords,
  isSessionId,
  sessionEnded,
  type SessionDeps,
  type SessionRecords,
  type SessionState,
  createLoginSession,
  handleOf,
  NOT_LOADED,
  type RecordAccess,
  type Registry,
} from './records.js';

/** What the host app's session holds of ours. */
interface CarriedSession {
  id: string;
  /** The keyed name of the last user's number: the app's data in this session is that user's. */
  owner?: string | undefined;
}

declare module 'express-session' {
  interface SessionData {
    silentAuth?: CarriedSession;
  }
}

type HostSession = Request['session'];

interface Visit {
  id?: string | undefined;
  /** Absent if there is no id, or its session ended or has a newer secret. */
  record?: { state: SessionState; stored: string } | undefined;
}

const NO_SESSION =
  'req.session is missing: its store cannot be reached, or express-session has to be mounted before createSilentAuth';
const OTHER_SESSION =
  "req.session is not one of express-session: session: 'host' requires express-session, because a login gives the session a new id";

/**
 * Sessions carried by the host app's session: `req.session.silentAuth.id` is the id of our record.
 * The record is sealed, expires on time and stays ended, whatever the app's store does.
 */
export function createHostSessions(deps: SessionDeps & { registry: Registry }): Sessions {
  const { registry } = deps;
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
    if (id !== undefined && record) await records.touch(id, record.state).catch(() => undefined);
  };

  return {
    load: (req, _res, next) => void open(req).then(() => next(), next),
    loginSession: (req) =>
      createLoginSession(recordAccessOf(req, visitOf(req), records), { ...records, registry }),
    handle: (req) => handleOf(visitOf(req).id ?? ''),
    user: (req) => records.userOf(visitOf(req).record?.state ?? {}),
    async signOut(req) {
      const { id, record } = visitOf(req);
      visits.set(req, {});
      const hasEnded = id !== undefined && (await records.end(id));
      if (id !== undefined && record?.state.user) await registry.forget(handleOf(id), record.state.user);
      const { session } = req as { session?: HostSession };
      if (session !== undefined) await settled(req, (done) => session.destroy(done));
      return hasEnded;
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

function recordAccessOf(req: Request, visit: Visit, records: SessionRecords): RecordAccess {
  const writeRecord = async (id: string, state: SessionState): Promise<boolean> => {
    const stored = await records.write(id, state, visit.record?.stored);
    if (stored === undefined) return false;
    Object.assign(visit, { id, record: { state, stored } });
    return true;
  };

  const carry = async (before: Readonly<Visit>, id: string, { user }: SessionState): Promise<void> => {
    await reopen(req, before.id);
    const { silentAuth: carried, ...fields } = fieldsOf(req);
    const names = user ? records.ownerNames(user.phoneNumber) : [];
    const isSameOwner = !user || carried?.owner === undefined || names.includes(carried.owner);
    // The app's data of one user must not reach the next user, or a visitor after that session.
    const kept = carried === undefined || (before.record && isSameOwner);
    const owner = user ? names[0] : kept ? carried?.owner : undefined;
    await renew(req, { ...(kept && fields), silentAuth: { id, owner } });
  };

  return {
    get handle() {
      return handleOf(visit.id ?? '');
    },
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
        // No client has the new id, so its session must end.
        await records.end(id).catch(() => undefined);
        throw error;
      });
      return true;
    },
  };
}

/** @throws LoginError `unavailable` without a session: the store of express-session is away */
function sessionOf(req: Request): HostSession {
  const { session } = req as { session?: HostSession };
  if (!session) throw away();
  return session;
}

const fieldsOf = (req: Request): { silentAuth?: CarriedSession; [name: string]: unknown } =>
  Object.fromEntries(Object.entries(sessionOf(req)).filter(([name]) => name !== 'cookie'));

/**
 * Reads the app's session again, to keep what other requests have changed.
 * @throws LoginError `login_expired` if it ended, or carries another id than `carried`
 */
async function reopen(req: Request, carried: string | undefined): Promise<void> {
  const session = sessionOf(req);
  // A session that did not come with the request was never saved.
  if (cameWith(req)) await settled(req, (done) => session.reload(done));
  const { id } = (req.session.silentAuth ?? {}) as Partial<CarriedSession>;
  if ((isSessionId(id) ? id : undefined) !== carried) throw sessionEnded();
}

/** Whether the request's cookie names its session. Otherwise express-session has made a new one. */
const cameWith = ({ headers, sessionID }: Request): boolean =>
  headers.cookie?.includes(encodeURIComponent(`s:${sessionID}.`)) === true;

async function renew(req: Request, fields: object): Promise<void> {
  const session = sessionOf(req);
  await settled(req, (done) => session.regenerate(done));
  Object.assign(req.session, fields);
  await settled(req, (done) => req.session.save(done));
}

/** The message of express-session for a session that is not in its store. */
const GONE = 'failed to load session';

const settled = (req: Request, ask: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (!error) return resolve();
      // express-session would save after the answer, although a failure was reported.
      Reflect.deleteProperty(req, 'session');
      reject(error instanceof Error && error.message === GONE ? sessionEnded(error) : away(error));
    });
  });

const away = (cause?: unknown): LoginError =>
  new LoginError('unavailable', 'The session store did not answer. Try again.', { retry_after: 1, cause });
