import type { Express, Request } from 'express';
import { SetupError } from '../core/errors.js';

/** The instance of the routes that each app, and each request, belongs to. */
const instances = new WeakMap<object, Express>();

/**
 * Refuses a second instance in one app: both would read and renew the same sessions, each by its
 * own settings.
 * @throws SetupError
 */
export function claim(owner: Express | Request, instance: Express): void {
  const first = instances.get(owner) ?? instance;
  if (first !== instance)
    throw new SetupError(
      'createSilentAuth was called twice for one app: call it once, and mount what it returns.',
    );
  instances.set(owner, instance);
}

/** The outermost app around `app`. Express sets `parent` when it mounts an app. */
export function rootOf(app: Express): Express {
  const { parent } = app as { parent?: Express };
  return parent === undefined ? app : rootOf(parent);
}

/** The path that `app` is mounted at. Express knows it if only apps are around, and no Router. */
export const pathOf = (app: Express): string => app.path().replace(/\/+/g, '/').replace(/\/$/, '');

/**
 * Whether a request came by `path`, which links lead back to. Unlike Express, compares the case.
 * @throws SetupError if the routes are mounted in a way that hides their path
 */
export function isMountedAt({ baseUrl }: Request, path: string): boolean {
  if (baseUrl.toLowerCase() === path.toLowerCase()) return baseUrl === path;
  throw new SetupError(
    `createSilentAuth is at ${baseUrl}, but Express does not report that path: mount it once, on the app itself, app.use('/path', …), not on a Router.`,
  );
}
