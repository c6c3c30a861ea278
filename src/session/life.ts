import type { User } from '../login/login.js';
import type { World } from '../world.js';

/** Seconds a session lives without being used, and from its login to its end, used or not (OWASP ASVS 7.3). */
const IDLE_SECONDS = 30 * 60;
const ABSOLUTE_SECONDS = 12 * 60 * 60;

/** How long a session lives, wherever it lies. */
export function createLife(world: Pick<World, 'now'>) {
  const endOf = (user: User) => user.authenticatedAt + ABSOLUTE_SECONDS * 1000;
  return {
    /** Seconds a session may lie unused from now on. */
    left: ({ user }: { user?: User | undefined }): number =>
      user ? Math.min(IDLE_SECONDS, Math.ceil((endOf(user) - world.now()) / 1000)) : IDLE_SECONDS,
    /** The user of a session, for as long as that is so. */
    current: (user: User | undefined): User | undefined =>
      user && world.now() < endOf(user) ? user : undefined,
    /** Milliseconds since the epoch at which a login ends if nothing more is asked. */
    expiry: (user: User): number => Math.min(world.now() + IDLE_SECONDS * 1000, endOf(user)),
  };
}
