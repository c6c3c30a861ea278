import { hash } from 'node:crypto';
import { z } from 'zod';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { isOver, Login, MAX_CONFLICTS, User, Verification, type LoginSession } from '../login/login.js';
import { createKeyring, createRecordFormat, createNaming } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../core/world.js';

/** How long a session may stay idle, and how long it lives after its login (OWASP ASVS 7.3). */
export const IDLE_TTL_SECONDS = 30 * 60;
export const ABSOLUTE_TTL_SECONDS = 12 * 60 * 60;

export const SESSION_KEY_PREFIX = 'sess:';

const HANDLE_BYTES = 16;
const SECRET_BYTES = 32;
const ID = /^([\w-]{22})([\w-]{43})$/;

export interface SessionState {
  login?: Login | undefined;
  user?: User | undefined;
}

export interface SessionRecord extends SessionState {
  handle: string;
  secretHash: string;
  /** The sealed text that was read. A write replaces this text and no other. */
  stored: string;
}

// Loose, so that a field that a newer release has added survives a write by this one.
const VerificationField = z.exactOptional(Verification.loose());
const LoginField = Login.loose().extend({
  verification: VerificationField,
  formerVerification: VerificationField,
});
const FORMAT = createRecordFormat(
  1,
  z.object({
    handle: z.string(),
    secretHash: z.string(),
    login: LoginField.optional(),
    user: User.loose().optional(),
  }),
);

export interface SessionDeps {
  store: Store;
  /** The first seals; all open. */
  secrets: readonly string[];
  world: Pick<World, 'now' | 'random' | 'log'>;
}

const loginExpired = (): LoginError => new LoginError('login_expired', 'The login ended during the request.');

export const sessionEnded = (cause?: unknown): LoginError =>
  new LoginError('login_expired', 'The session ended during the request.', { cause });

export const handleOf = (id: string): string => ID.exec(id)?.[1] ?? '';
const secretHashOf = (id: string): string => hash('sha256', ID.exec(id)?.[2] ?? '', 'base64url');

export const isSessionId = (text: unknown): text is string => typeof text === 'string' && ID.test(text);

export type SessionRecords = ReturnType<typeof createSessionRecords>;

/**
 * The sessions of a store. A session is one record for its whole life. Its id is a handle, which is
 * the key of the record, and a secret, whose hash is in the record. Renewing a session changes the
 * secret and keeps the handle. An id with an outdated secret reads nothing, but a logout with it
 * still ends the session.
 */
export function createSessionRecords({ store, secrets, world }: SessionDeps) {
  const keyring = createKeyring(secrets, 'session', FORMAT);
  const ownerNamings = secrets.map((secret) => createNaming(secret, 'session owner'));
  const random = (bytes: number): string => world.random(bytes).toString('base64url');
  const keyOf = (id: string): string => SESSION_KEY_PREFIX + handleOf(id);
  const endOf = (user: User): number => user.authenticatedAt + ABSOLUTE_TTL_SECONDS * 1000;

  const currentUser = ({ user }: SessionState): User | undefined =>
    user && world.now() < endOf(user) ? user : undefined;

  const secondsLeft = (state: SessionState): number => {
    const user = currentUser(state);
    const untilEnd = user ? Math.ceil((endOf(user) - world.now()) / 1000) : Infinity;
    return Math.min(IDLE_TTL_SECONDS, untilEnd);
  };

  /** @returns `null` if `stored` is not a record of this version, sealed by this server */
  const open = (stored: string): SessionRecord | null => {
    const record = keyring.open('session', stored);
    return record === undefined ? null : { ...record, stored };
  };

  /**
   * A record as the bearer of `id` may see it: `outdated` if the session has a newer secret, or its
   * record is of another release. An outdated session can only be ended.
   * @param record `null` if the stored text does not open; `undefined` if nothing is stored
   */
  const seenBy = (
    id: string,
    record: SessionRecord | null | undefined,
  ): SessionRecord | 'outdated' | undefined => {
    if (record === null) return 'outdated';
    // A record that was copied to another handle within the store belongs to no session.
    if (record?.handle !== handleOf(id)) return undefined;
    return record.secretHash === secretHashOf(id) ? record : 'outdated';
  };

  /**
   * Compares and writes a session in one step.
   * @param stored the text that the write replaces; absent for a new session
   * @returns the new text, or `undefined` if another request changed or ended the session meanwhile
   */
  const write = async (
    id: string,
    { login, user }: SessionState,
    stored: string | undefined,
  ): Promise<string | undefined> => {
    const record = { handle: handleOf(id), secretHash: secretHashOf(id), login, user };
    const value = keyring.seal('session', record);
    const seconds = secondsLeft(record);
    const written =
      stored === undefined
        ? await store.add(keyOf(id), value, seconds)
        : await store.replace(keyOf(id), { from: stored, to: value }, seconds);
    return written ? value : undefined;
  };

  return {
    open,
    seenBy,
    write,
    secondsLeft,
    newId: (): string => random(HANDLE_BYTES) + random(SECRET_BYTES),
    renewedId: (id: string): string => handleOf(id) + random(SECRET_BYTES),
    async read(id: string) {
      const stored = await store.get(keyOf(id));
      return seenBy(id, stored === null ? undefined : open(stored));
    },
    touch: (id: string, state: SessionState): Promise<void> => store.expire(keyOf(id), secondsLeft(state)),
    /** The record of a handle, whatever the secret: for lists and revocations, which have no id. */
    async find(handle: string): Promise<SessionRecord | null | undefined> {
      const stored = await store.get(SESSION_KEY_PREFIX + handle);
      const record = stored === null ? undefined : open(stored);
      return record && record.handle !== handle ? undefined : record;
    },
    /** Ends the session, also by an outdated id. @returns false if it had ended */
    end: (id: string): Promise<boolean> => store.delete(keyOf(id)),
    currentUser,
    /** The user, and when the session expires if it stays idle (ms since the epoch). */
    userOf(state: SessionState) {
      const user = currentUser(state);
      return user && { ...user, expiresAt: Math.min(world.now() + IDLE_TTL_SECONDS * 1000, endOf(user)) };
    },
    /** Keyed names of a number, one for each secret. The first is stored; all are recognised. */
    ownerNames: (phoneNumber: PhoneNumber): readonly string[] =>
      ownerNamings.map((nameOf) => nameOf(phoneNumber)),
  };
}

export const NOT_LOADED =
  'the session of this request was not loaded: put `load` before signOut, on the same route';

/** What a login and a logout ask of the registry of logged-in sessions (user-sessions.ts). */
export interface Registry {
  /**
   * Registers a session, before the record gets its user: a revocation then either finds the
   * session, and deletes the record, or refuses the registration.
   * @param begunAt when the login began (ms since the epoch)
   * @returns undefined if the sessions of this number were revoked since the login began
   */
  register(handle: string, user: User, begunAt?: number): Promise<Registration | undefined>;
  /** Whether the sessions of its number were revoked since this login began. */
  isRevoked(login: Login): Promise<boolean>;
  /** Forgets a session that has ended. Never fails. */
  forget(handle: string, user: User): Promise<void>;
}

export interface Registration {
  /** The public id of the session. */
  id: string;
  /**
   * Ends the oldest sessions of the user beyond `MAX_SESSIONS`. Never fails.
   * @returns their ids
   */
  endOldest(): Promise<readonly string[]>;
}

/** The record of a request's session, by the id that its cookie or its host app's session has. */
export interface RecordAccess {
  /** The handle of the session; empty without one. */
  readonly handle: string;
  /** As last read; empty if the request has no session. */
  readonly state: SessionState;
  /** @throws LoginError `login_expired` if the session ended or has a newer secret */
  reload(): Promise<void>;
  /**
   * Writes the session, or creates it.
   * @param renewed whether the session gets a new secret
   * @returns false if another request changed or ended the session since it was read
   */
  write(state: SessionState, renewed: boolean): Promise<boolean>;
}

/** The session of a request, as the login sees it. A write that met a conflict is repeated. */
export function createLoginSession(
  access: RecordAccess,
  { currentUser, registry }: Pick<SessionRecords, 'currentUser'> & { registry: Registry },
): LoginSession {
  /** Writes `next` of the current state, unless that is the same object. */
  const settle = async (next: (state: SessionState) => SessionState, renewed: boolean): Promise<void> => {
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts++) {
      const before = access.state;
      const state = next(before);
      if (state === before || (await access.write(state, renewed))) return;
      await access.reload();
    }
    throw new LoginError('unavailable', 'Too many concurrent requests change this session.', {
      retry_after: 1,
    });
  };

  /** Whether the user of a login that proves the number again is still logged in. */
  const isOfUser = (state: SessionState): boolean =>
    !state.login?.reauthenticates || currentUser(state)?.phoneNumber === state.login.phoneNumber;

  const dropRevoked = async ({ id }: Login): Promise<LoginError> => {
    await settle((now) => (now.login?.id === id ? { ...now, login: undefined } : now), false);
    return new LoginError('login_expired', 'The sessions of this number were ended during the login.');
  };

  return {
    get login() {
      return access.state.login;
    },
    async refresh() {
      await access.reload();
      const { login } = access.state;
      if (login === undefined) return;
      if (!isOfUser(access.state)) throw loginExpired();
      if (await registry.isRevoked(login)) throw await dropRevoked(login);
    },
    begin: (login) => settle((state) => ({ login, user: currentUser(state) }), true),
    change: (how) =>
      settle((state) => {
        const changed = state.login && how(state.login);
        return changed === state.login ? state : { ...state, login: changed };
      }, false),
    async signIn(user, login) {
      const { handle, state } = access;
      const registration = await registry.register(handle, user, state.login?.begunAt);
      if (registration === undefined) throw await dropRevoked(login);
      await settle((now) => {
        // The login may have been cancelled, locked or replaced during the proof.
        const isOpen = now.login?.id === login.id && !isOver(now.login);
        // A re-authentication completes only for the user who is logged in.
        if (!isOpen || !isOfUser(now)) throw loginExpired();
        return { login, user };
      }, true);
      return { sessionId: registration.id, ended: await registration.endOldest() };
    },
  };
}
