import { createHmac, hash } from 'node:crypto';
import { z } from 'zod';
import { LoginError } from '../core/errors.js';
import type { Login, User } from '../login/login.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { createRecordFormat } from '../store/seal.js';
import { createKeyring, deriveKey } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../core/world.js';

/**
 * Seconds a session lives without being used, and from its login to its end, used or not (OWASP
 * ASVS 7.3).
 */
const IDLE_TTL_SECONDS = 30 * 60;
const ABSOLUTE_TTL_SECONDS = 12 * 60 * 60;

/** Where sessions lie in the store. */
export const SESSION_KEY_PREFIX = 'sess:';

const HANDLE_BYTES = 16;
const SECRET_BYTES = 32;
const ID = /^([\w-]{22})([\w-]{43})$/;

/** What a session holds. */
export interface SessionState {
  login?: Login | undefined;
  user?: User | undefined;
}

/** A session as it was read from the store. */
export interface SessionRecord extends SessionState {
  handle: string;
  secretHash: string;
  /** The text it was read from: the only one that a write of this reader may replace. */
  stored: string;
}

const FORMAT = createRecordFormat(
  1,
  z.object({
    handle: z.string(),
    secretHash: z.string(),
    login: z.custom<Login>((value) => typeof value === 'object').optional(),
    user: z.custom<User>((value) => typeof value === 'object').optional(),
  }),
);

export interface SessionDeps {
  store: Store;
  /** The first one seals, all of them open. */
  secrets: readonly string[];
  world: Pick<World, 'now' | 'random' | 'log'>;
}

export const sessionEnded = (cause?: unknown): LoginError =>
  new LoginError('login_expired', 'The session ended during the request.', { cause });

/** The part of an id that stays the same for the life of a session. */
export const handleOf = (id: string): string => ID.exec(id)?.[1] ?? '';
const secretHashOf = (id: string): string => hash('sha256', ID.exec(id)?.[2] ?? '', 'base64url');

export const isSessionId = (text: unknown): text is string => typeof text === 'string' && ID.test(text);

export type SessionRecords = ReturnType<typeof createSessionRecords>;

/**
 * Where the sessions are. A session is one record for its whole life. Its id has two parts: a
 * handle, under which the record lies, and a secret, of which the record holds the hash. When a
 * session is renewed, the secret changes and the handle stays. An id with an outdated secret reads
 * nothing, but it still names the session, so a logout with it ends the session.
 */
export function createSessionRecords({ store, secrets, world }: SessionDeps) {
  const keyring = createKeyring(secrets, 'session');
  const ownerKeys = secrets.map((secret) => deriveKey(secret, 'session owner'));
  const random = (bytes: number): string => world.random(bytes).toString('base64url');
  const keyOf = (id: string): string => SESSION_KEY_PREFIX + handleOf(id);
  const endOf = (user: User): number => user.authenticatedAt + ABSOLUTE_TTL_SECONDS * 1000;

  /** The user of a session, for as long as the login holds. */
  const currentUser = ({ user }: SessionState): User | undefined =>
    user && world.now() < endOf(user) ? user : undefined;

  /** Seconds a session may stay idle from now on. */
  const secondsLeft = (state: SessionState): number => {
    const user = currentUser(state);
    return user
      ? Math.min(IDLE_TTL_SECONDS, Math.ceil((endOf(user) - world.now()) / 1000))
      : IDLE_TTL_SECONDS;
  };

  /** Opens what is stored; `null` for what is not a record of this version sealed by us. */
  const open = (stored: string): SessionRecord | null => {
    const text = keyring.open('session', stored);
    const record = text === undefined ? undefined : FORMAT.read(text);
    return record === undefined ? null : { ...record, stored };
  };

  /**
   * A record as the bearer of `id` may see it: `outdated` where the session goes on under a newer
   * secret, or in a process of another release whose record is not read here. Either can be ended.
   * @param record `null` where something is stored that does not open; `undefined` where nothing is
   */
  const seenBy = (
    id: string,
    record: SessionRecord | null | undefined,
  ): SessionRecord | 'outdated' | undefined => {
    if (record === null) return 'outdated';
    // A record that was copied to another handle within the store is nobody's.
    if (record?.handle !== handleOf(id)) return undefined;
    return record.secretHash === secretHashOf(id) ? record : 'outdated';
  };

  /**
   * Writes a session, in one step with the check that nobody wrote it since it was read.
   * @param stored what it replaces; absent for a new session
   * @returns what is stored now, or `undefined` where another request changed or ended the session
   * meanwhile
   */
  const write = async (
    id: string,
    { login, user }: SessionState,
    stored: string | undefined,
  ): Promise<string | undefined> => {
    const record = { handle: handleOf(id), secretHash: secretHashOf(id), login, user };
    const value = keyring.seal('session', FORMAT.write(record));
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
    /** A new id: 128 random bits of handle, 256 of secret. */
    newId: (): string => random(HANDLE_BYTES) + random(SECRET_BYTES),
    /** The same session under a new secret. */
    renewedId: (id: string): string => handleOf(id) + random(SECRET_BYTES),
    async read(id: string) {
      const stored = await store.get(keyOf(id));
      return seenBy(id, stored === null ? undefined : open(stored));
    },
    /** Gives the session its whole idle time again. */
    touch: (id: string, state: SessionState): Promise<void> => store.expire(keyOf(id), secondsLeft(state)),
    /** Ends the session, whichever of its secrets the id holds. */
    async end(id: string): Promise<void> {
      await store.delete(keyOf(id));
    },
    currentUser,
    /** Milliseconds since the epoch at which the login ends if the session stays idle. */
    expiryOf: (user: User): number => Math.min(world.now() + IDLE_TTL_SECONDS * 1000, endOf(user)),
    /**
     * Names of a number that only SESSION_SECRET can make: the first is the one to keep, any of
     * them may have been kept.
     */
    ownerNames: (phoneNumber: PhoneNumber): readonly string[] =>
      ownerKeys.map((key) => createHmac('sha256', key).update(phoneNumber).digest('base64url')),
  };
}
