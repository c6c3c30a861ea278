/** The routes that there are spans of: a closed list, since a path that somebody makes up may say anything. */
const TRACED = new Set([
  '/login',
  '/login/next',
  '/callback',
  '/verify',
  '/session',
  '/logout',
  '/webhooks/verify',
]);

export const isTraced = (path: string): boolean => TRACED.has(path);

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
