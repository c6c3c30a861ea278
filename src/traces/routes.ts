/** The routes that there are spans of: a closed list, since a path that somebody makes up may say anything. */
const TRACED = new Set([
  '/login',
  '/login/next',
  '/callback',
  '/verify',
  '/session',
  '/session/assertion',
  '/logout',
  '/webhooks/verify',
]);

export const isTraced = (path: string): boolean => TRACED.has(path);

/** The methods a span can be named by; what else somebody makes up is `_OTHER` (semantic conventions for HTTP). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
