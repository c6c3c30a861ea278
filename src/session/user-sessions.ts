import type { PhoneNumber } from '../core/phone-number.js';
import type { Channel, User } from '../login/login.js';
import { createKeyring, createNaming, TEXT } from '../store/seal.js';
import type { IndexEntry } from '../store/store.js';
import {
  ABSOLUTE_TTL_SECONDS,
  createSessionRecords,
  IDLE_TTL_SECONDS,
  SESSION_KEY_PREFIX,
  type Registry,
  type SessionDeps,
  type SessionRecord,
} from './records.js';

/** A logged-in session, as its user sees it. Times are in milliseconds since the epoch. */
export interface UserSession {
  /** The public id, which reveals nothing of the cookie. */
  id: string;
  authenticatedAt: number;
  channels: readonly Channel[];
  /** Exact to half a second. Does not change in the last half hour of the longest life. */
  lastUsedAt: number;
  /** When the session expires if it stays idle. */
  expiresAt: number;
  /** Whether it is the session of the request. */
  current: boolean;
}

/** The session of a request: its handle, and its user. */
export interface CurrentSession {
  handle: string;
  user: User & { expiresAt: number };
}

const ID_CHARACTERS = 22;

const idsOf = (found: readonly { entry: Entry }[]): readonly string[] => [
  ...new Set(found.map(({ entry }) => entry.id)),
];

interface Entry {
  /** The key of the index. */
  index: string;
  id: string;
  handle: string;
  /** When the number was proved (ms since the epoch). */
  at: number;
}

export type UserSessions = ReturnType<typeof createUserSessions>;

/**
 * The logged-in sessions of each number, by an index: a hash under a keyed name, with an entry for
 * each session: the public id, the time of the login, and the sealed handle. The state of the
 * session is in its record, so an entry whose session has expired does no harm.
 * @param deps `maxSessions`: how many sessions a number may have (`MAX_SESSIONS`)
 */
export function createUserSessions(deps: SessionDeps & { maxSessions: number }) {
  const { store, secrets, world, maxSessions } = deps;
  const records = createSessionRecords(deps);
  const keyring = createKeyring(secrets, 'session index', TEXT);
  const namings = secrets.map((secret) => createNaming(secret, 'session index'));
  const nameOfHandle = createNaming(secrets[0] ?? '', 'session id');
  const idOf = (handle: string): string => nameOfHandle(handle).slice(0, ID_CHARACTERS);
  const indexesOf = (phoneNumber: PhoneNumber): readonly string[] =>
    namings.map((nameOf) => `user:${nameOf(phoneNumber)}`);

  const oldest = (): number => world.now() - ABSOLUTE_TTL_SECONDS * 1000;
  /** Whether a login is so old that a revocation since its beginning may have expired. */
  const isForgotten = (begunAt: number): boolean => begunAt > 0 && begunAt < oldest();

  const open = (index: string, entries: readonly IndexEntry[]): Entry[] =>
    entries.flatMap(({ id, value }) => {
      const [at, sealed = ''] = value.split('.');
      const handle = keyring.open(index, sealed);
      return handle === undefined ? [] : [{ index, id, handle, at: Number(at) }];
    });

  const read = async (index: string): Promise<readonly IndexEntry[]> =>
    (await store.readIndex(index)).entries;

  /** The entries of a number under several secrets. */
  const entriesOf = async (
    indexes: readonly string[],
    ask: (index: string) => Promise<readonly IndexEntry[]>,
  ): Promise<Entry[]> => {
    const asked = indexes.map(async (index) => open(index, await ask(index)));
    return (await Promise.all(asked)).flat();
  };

  const remove = async (entries: readonly Entry[]): Promise<void> => {
    const idsIn = (index: string) => entries.filter((each) => each.index === index).map(({ id }) => id);
    const indexes = new Set(entries.map(({ index }) => index));
    await Promise.all([...indexes].map((index) => store.unregister(index, idsIn(index))));
  };

  /**
   * Whether the session of a record is one of this number, or about to be. It may have been logged
   * in as another user since. A record that does not open counts.
   */
  const isOf = (phoneNumber: PhoneNumber, record: SessionRecord | null): boolean =>
    record === null || [record.user, record.login].some((each) => each?.phoneNumber === phoneNumber);

  /** Deletes the session of an entry. @returns `undefined` if it is not one of this number */
  const endOne = async (
    phoneNumber: PhoneNumber,
    { handle }: Entry,
  ): Promise<'ended' | 'gone' | undefined> => {
    const record = await records.find(handle);
    if (record !== undefined && !isOf(phoneNumber, record)) return undefined;
    return record !== undefined && (await store.delete(SESSION_KEY_PREFIX + handle)) ? 'ended' : 'gone';
  };

  /**
   * Removes an entry only if its session no longer exists: a handle is never used again. A session
   * that another user has taken over may become one of this number again, and keeps its entry.
   */
  const endAll = async (phoneNumber: PhoneNumber, entries: readonly Entry[]) => {
    const outcomes = await Promise.all(
      entries.map(async (entry) => ({ entry, outcome: await endOne(phoneNumber, entry) })),
    );
    const gone = outcomes.filter(({ outcome }) => outcome !== undefined);
    await remove(gone.map(({ entry }) => entry));
    return { gone: gone.length, ended: idsOf(outcomes.filter(({ outcome }) => outcome === 'ended')) };
  };

  /**
   * @param handle that of the login, which stays
   * @param underNewest the entries beside it under the newest secret
   */
  const endOldest = async (
    phoneNumber: PhoneNumber,
    handle: string,
    underNewest: readonly Entry[],
  ): Promise<readonly string[]> => {
    const older = await entriesOf(indexesOf(phoneNumber).slice(1), read);
    const known = new Set([handle, ...underNewest.map((each) => each.handle)]);
    const others = [...underNewest, ...older.filter((each) => !known.has(each.handle))];
    if (others.length < maxSessions) return [];
    const found = await Promise.all(
      others.map(async (entry) => ({ entry, record: await records.find(entry.handle) })),
    );
    await remove(found.filter(({ record }) => record === undefined).map(({ entry }) => entry));
    const newestFirst = found
      .filter(({ record }) => record !== undefined && isOf(phoneNumber, record))
      .map(({ entry }) => entry)
      .sort((one, other) => other.at - one.at);
    return (await endAll(phoneNumber, newestFirst.slice(maxSessions - 1))).ended;
  };

  const shown = (id: string, user: CurrentSession['user'], current: boolean): UserSession => {
    const { authenticatedAt, channels, expiresAt } = user;
    const touchedAt = Math.min(expiresAt - IDLE_TTL_SECONDS * 1000, world.now());
    const lastUsedAt = Math.max(authenticatedAt, touchedAt);
    return { id, authenticatedAt, channels, lastUsedAt, expiresAt, current };
  };

  /** @returns undefined if the session is not of this number. Removes the entry of an ended one */
  const sessionOf = async (phoneNumber: PhoneNumber, entry: Entry): Promise<UserSession | undefined> => {
    const { id, handle } = entry;
    const [record, seconds] = await Promise.all([
      records.find(handle),
      store.ttl(SESSION_KEY_PREFIX + handle),
    ]);
    if (record === undefined) await remove([entry]);
    const user = record ? records.currentUser(record) : undefined;
    if (user?.phoneNumber !== phoneNumber || seconds <= 0) return undefined;
    return shown(id, { ...user, expiresAt: world.now() + seconds * 1000 }, false);
  };

  const registry: Registry = {
    async register(handle, user, begunAt = 0) {
      const { phoneNumber, authenticatedAt } = user;
      const [index = ''] = indexesOf(phoneNumber);
      if (isForgotten(begunAt)) return undefined;
      const id = idOf(handle);
      const value = `${authenticatedAt}.${keyring.seal(index, handle)}`;
      const entry = { id, value, since: begunAt, oldest: oldest() };
      const before = await store.register(index, entry, ABSOLUTE_TTL_SECONDS);
      if (before === undefined) return undefined;
      const others = before.filter((each) => each.id !== id);
      return { id, endOldest: () => endOldest(phoneNumber, handle, open(index, others)).catch(() => []) };
    },
    async isRevoked({ phoneNumber, begunAt = 0 }) {
      const [index = ''] = indexesOf(phoneNumber);
      const { closedAt } = await store.readIndex(index);
      return isForgotten(begunAt) || (closedAt !== undefined && closedAt >= begunAt);
    },
    async forget(handle, { phoneNumber }) {
      const [index = ''] = indexesOf(phoneNumber);
      await store.unregister(index, [idOf(handle)]).catch(() => undefined);
    },
  };

  return {
    ...registry,
    /** The public id of a session, as it is listed. */
    async idOf({ handle, user: { phoneNumber } }: CurrentSession): Promise<string> {
      const entries = await entriesOf(indexesOf(phoneNumber), read);
      return entries.find((each) => each.handle === handle)?.id ?? idOf(handle);
    },
    /** @param current the session of the request, which is listed in any case */
    async list(phoneNumber: PhoneNumber, current?: CurrentSession): Promise<readonly UserSession[]> {
      const entries = await entriesOf(indexesOf(phoneNumber), read);
      const own = entries.find(({ handle }) => handle === current?.handle);
      const others = new Map(
        entries.filter(({ handle }) => handle !== current?.handle).map((entry) => [entry.handle, entry]),
      );
      const sessions = await Promise.all([...others.values()].map((entry) => sessionOf(phoneNumber, entry)));
      return [current && shown(own?.id ?? idOf(current.handle), current.user, true), ...sessions]
        .filter((session) => session !== undefined)
        .sort((one, other) => other.authenticatedAt - one.authenticatedAt);
    },
    /**
     * Ends one of the user's sessions.
     * @param id the public id
     * @returns its public id in a list, which is empty if another request has just ended it;
     * undefined if the user has no such session; `'current'` if it is the session of the request,
     * which does not end
     */
    async end({ handle, user: { phoneNumber } }: CurrentSession, id: string) {
      const entries = await entriesOf(indexesOf(phoneNumber), read);
      const entry = entries.find((each) => each.id === id);
      if (entry?.handle === handle || (entry === undefined && id === idOf(handle))) return 'current';
      if (entry === undefined) return undefined;
      const { gone, ended } = await endAll(phoneNumber, [entry]);
      return gone > 0 ? ended : undefined;
    },
    /**
     * Ends the sessions of a number, and its logins that are under way. First closes the index to
     * logins that have begun, and reads the entries in the same step; then deletes the sessions;
     * and removes entries last. Where the store fails in between, a repetition finishes the rest.
     * @param except the handle of a session that goes on
     * @returns the public ids of the sessions that ended
     */
    async revoke(phoneNumber: PhoneNumber, except?: string): Promise<readonly string[]> {
      const close = (index: string) => store.closeIndex(index, world.now(), ABSOLUTE_TTL_SECONDS);
      const entries = await entriesOf(indexesOf(phoneNumber), close);
      const others = entries.filter(({ handle }) => handle !== except);
      return (await endAll(phoneNumber, others)).ended;
    },
  };
}
