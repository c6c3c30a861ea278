import type { Request } from 'express';
import type { Login, User } from '../login/login.js';
import { createKeyring } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../world.js';
import { end, ended, fieldsOf, hasSession, renew, reopen, sessionOf } from './host-session.js';
import { createLife } from './life.js';
import { newId, type Sessions } from './session.js';

const PREFIX = 'sess:';
const ID = /^\{.{3}\}[\w-]{43}$/;

/** What lies under an id; without one, a session that was not begun yet. */
interface Carried {
  id?: string;
  login?: Login | undefined;
  user?: User | undefined;
}

const NO_SESSION =
  'req.session is missing: its store is away, or express-session has to be mounted before createSilentAuth';

/**
 * Sessions that are carried by the session of another app, where ours by themselves have a cookie: `req.session.silentAuth` is the id
 * of a record in our store. So the record is sealed, ends when it should, and what ended stays ended, whatever the store of the
 * other app does; that one only says which id a visitor has.
 */
export function createHostSessions(deps: {
  store: Store;
  secrets: readonly string[];
  world: World;
}): Sessions {
  const { store, world } = deps;
  const keyring = createKeyring(deps.secrets, 'session');
  const life = createLife(world);
  const opened = new WeakMap<Request, Carried>();
  const of = (req: Request): Carried => opened.get(req) ?? {};

  const read = async (id: string): Promise<Carried | undefined> => {
    const at = PREFIX + id;
    const text = keyring.open(at, (await store.get(at)) ?? '');
    return text === undefined ? undefined : { ...(JSON.parse(text) as Carried), id };
  };
  const sealed = (id: string, { login, user }: Carried): string =>
    keyring.seal(PREFIX + id, JSON.stringify({ login, user }));

  const open = async (req: Request): Promise<void> => {
    if (!hasSession(req)) world.log.error({}, NO_SESSION);
    const { silentAuth: id } = sessionOf(req);
    const found = typeof id === 'string' && ID.test(id) ? await read(id) : undefined;
    opened.set(req, found ?? {});
    // What could not be touched ends the earlier, that is all.
    if (found) await store.expire(PREFIX + String(found.id), life.left(found)).catch(() => undefined);
  };

  /** Leaves the old id, which must still have been alive, for a new one, and the other app's id as well. */
  const moveTo = async (req: Request, login: Login, user: User | undefined): Promise<void> => {
    const { id: from, user: before } = of(req);
    const id = newId(from, world);
    const carried = { id, login, user };
    if (from !== undefined) await reopen(req, from);
    const [at, value, seconds] = [PREFIX + id, sealed(id, carried), life.left(carried)];
    const moved = from
      ? await store.move(PREFIX + from, at, value, seconds)
      : await store.set(at, value, seconds, 'new');
    if (!moved) throw ended();
    opened.set(req, carried);
    // What the other app kept for one user is not for the next.
    const kept = before && before.phoneNumber !== user?.phoneNumber ? {} : fieldsOf(req);
    await renew(req, { ...kept, silentAuth: id });
  };

  return {
    load: (req, _res, next) => void open(req).then(() => next(), next),
    holder: (req) => ({
      get login() {
        const { login } = of(req);
        return login?.status === 'cancelled' ? undefined : login;
      },
      get former() {
        return of(req).login;
      },
      async change(how) {
        await this.refresh();
        const { login } = this;
        if (login === undefined) return;
        const changed = how(login);
        if (changed !== login) await this.update(changed);
      },
      begin: (login) => moveTo(req, login, life.current(of(req).user)),
      async signIn(user, login) {
        await this.refresh();
        if (this.login?.id !== login.id || this.login.locked) throw ended();
        await moveTo(req, login, user);
      },
      async refresh() {
        const found = await read(String(of(req).id));
        opened.set(req, found ?? {});
        if (found === undefined) throw ended();
      },
      async update(login) {
        const { user } = of(req);
        const id = String(of(req).id);
        const carried = { id, user, login };
        if (!(await store.set(PREFIX + id, sealed(id, carried), life.left(carried), 'existing')))
          throw ended();
        opened.set(req, carried);
      },
    }),
    user(req) {
      const user = life.current(of(req).user);
      return user && { ...user, expiresAt: life.expiry(user) };
    },
    async signOut(req) {
      const { id } = of(req);
      if (id === undefined) return;
      opened.set(req, {});
      await store.delete(PREFIX + id);
      await end(req);
    },
  };
}
