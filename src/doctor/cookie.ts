import { about, type Finding } from './finding.js';
import type { Answer } from './patient.js';

/** The cookies of an answer as a client sends them back. */
export const cookieOf = (headers: Headers): string =>
  headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

/** What the session cookie has to have, and what it must not (draft-ietf-httpbis-rfc6265bis, `__Host-`). */
export function cookieFinding({ headers }: Answer, base: URL): Finding {
  const { ok, mistake } = about('cookie');
  const isHttps = base.protocol === 'https:';
  const wanted = isHttps ? '__Host-sid' : 'sid';
  const line = headers.getSetCookie().find((each) => each.startsWith(`${wanted}=`));
  if (line === undefined)
    return mistake(
      `POST /login sets no cookie with the name ${wanted}.`,
      'Set an https PUBLIC_URL, and let the proxy pass on Set-Cookie as it comes.',
    );
  const attributes = line
    .split(';')
    .slice(1)
    .map((each) => each.trim().toLowerCase());
  const missing = ['Path=/', 'HttpOnly', 'SameSite=Lax', ...(isHttps ? ['Secure'] : [])].filter(
    (each) => !attributes.includes(each.toLowerCase()),
  );
  const added = attributes.filter((each) => /^(?:domain|max-age|expires)=/.test(each));
  if (missing.length + added.length === 0) return ok(`${wanted} arrives with all that it was set with.`);
  const seen = [...missing.map((each) => `without ${each}`), ...added.map((each) => `with ${each}`)];
  return mistake(
    `${wanted} arrives ${seen.join(', ')}, and ${isHttps ? 'browsers refuse it or show it to others' : 'is not what was set'}.`,
    'Take out what changes cookies in the proxy (nginx: proxy_cookie_flags, proxy_cookie_path, proxy_cookie_domain).',
  );
}
