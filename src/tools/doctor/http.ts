import { about, clockFinding, type Finding } from './finding.js';
import type { Answer, Check } from './deployment.js';
import { isLoopback, isMounted, urlAt } from '../http.js';
import { refusedAgent } from './proxy.js';
import { messageOf } from '../command.js';

/** The cookies of an answer as a client sends them back. */
export const cookieOf = (headers: Headers): string =>
  headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

/** The attributes of the session cookie (draft-ietf-httpbis-rfc6265bis, `__Host-`). */
export function cookieFinding({ headers }: Answer, base: URL): Finding {
  const { ok, mistake, unchecked } = about('cookie');
  const isHttps = base.protocol === 'https:';
  const wanted = isHttps ? '__Host-sid' : 'sid';
  const line = headers.getSetCookie().find((each) => each.startsWith(`${wanted}=`));
  if (line === undefined && isMounted(base))
    return unchecked(`POST /login sets no cookie with the name ${wanted}: the session is that of the app.`);
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
  if (missing.length + added.length === 0) return ok(`${wanted} arrives with all of its attributes.`);
  const seen = [...missing.map((each) => `without ${each}`), ...added.map((each) => `with ${each}`)];
  return mistake(
    `${wanted} arrives ${seen.join(', ')}, and ${isHttps ? 'browsers refuse it or show it to others' : 'is not what was set'}.`,
    'Remove the rules of the proxy that change cookies (nginx: proxy_cookie_flags, proxy_cookie_path, proxy_cookie_domain).',
  );
}

/** Without a cookie, `/session` is answered from no store. Routes in an app have no `/healthz`. */
const alivePathOf = (base: URL): string => (isMounted(base) ? '/session' : '/healthz');

const isAlive = ({ status, json, headers }: Answer): boolean =>
  status === 200 &&
  (json['status'] === 'ok' || json['authenticated'] === false) &&
  headers.get('x-request-id') !== null;

/** Passes where only browsers are let through; by itself, the doctor is `node`. */
const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/** Whether the server answers. After a mistake here no other check runs. */
export const checkHealth: Check = async ({ base, request }) => {
  const { ok, mistake } = about('healthz');
  const mend = 'Make sure that the proxy forwards all paths to the server, and that the server runs.';
  const path = alivePathOf(base);
  try {
    const answer = await request(path);
    if (isAlive(answer)) return [ok('The server answers.'), ...httpsFinding(base)];
    const toBrowser = await request(path, { headers: { 'User-Agent': BROWSER } });
    return isAlive(toBrowser)
      ? [refusedAgent('node', answer)]
      : [mistake(`GET ${path} is answered with ${answer.status}, and not by this server.`, mend)];
  } catch (error) {
    return [mistake(messageOf(error), mend)];
  }
};

const httpsFinding = (base: URL): Finding[] =>
  base.protocol === 'https:' || isLoopback(base)
    ? []
    : [
        about('https').mistake(
          'The base URL is http: others can read cookies and codes, and the Android library refuses it.',
          'End TLS in front of the server, and set an https PUBLIC_URL.',
        ),
      ];

export const checkReadiness: Check = async ({ base, request }) => {
  const { ok, mistake, unchecked } = about('readyz');
  if (isMounted(base)) return [unchecked('Only the standalone server has it.')];
  const { status } = await request('/readyz');
  return status === 200
    ? [ok('Its store accepts writes.')]
    : [
        mistake(
          `GET /readyz is answered with ${status}: the server cannot use Redis, or is stopping.`,
          'Look for "redis is not reachable" and "redis is not ready" in its log, which have the reason.',
        ),
      ];
};

/** Headers of every answer (`http/protection.ts`), and their required values. */
const REQUIRED_HEADERS: Record<string, RegExp> = {
  'strict-transport-security': /^max-age=\d{8,}; includeSubDomains$/,
  'content-security-policy': /^default-src 'none';[^,]*$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^DENY$/,
  'cache-control': /^no-store$/,
  'referrer-policy': /^no-referrer$/,
};

/** HSTS concerns the whole origin, so routes in an app leave it to the app. */
const sendsHsts = (base: URL): boolean => base.protocol === 'https:' && !isMounted(base);

export const checkHeaders: Check = async ({ base, request }) => {
  const { ok, mistake } = about('headers');
  const { headers } = await request('/session');
  const changed = Object.entries(REQUIRED_HEADERS).filter(
    ([name, expected]) =>
      (name !== 'strict-transport-security' || sendsHsts(base)) && !expected.test(headers.get(name) ?? ''),
  );
  if (changed.length === 0) return [ok('Those of the server arrive as they were sent.')];
  const seen = changed.map(([name]) => `${name}: ${headers.get(name) ?? 'missing'}`);
  return [
    mistake(
      `Not as the server sends them: ${seen.join('; ')}.`,
      'Let the proxy add no such header of its own, and remove none; HSTS is sent where PUBLIC_URL is https.',
    ),
  ];
};

/** The `type` of every error begins with PUBLIC_URL, and the path of mounted routes. */
export const checkPublicUrl: Check = async ({ base, request }) => {
  const { ok, mistake, unchecked } = about('PUBLIC_URL');
  const { type } = (await request('/callback')).json;
  const errors = typeof type === 'string' && URL.canParse(type) ? new URL(type) : undefined;
  if (errors === undefined) return [unchecked('The error of /callback names no address.')];
  const own = errors.origin + errors.pathname.replace(/\/errors\.md$/, '');
  const { href: redirectUri } = urlAt(base, '/callback');
  const mount = isMounted(base) ? `, mount the routes at ${base.pathname}` : '';
  return `${own}/callback` === redirectUri
    ? [ok(`It is ${errors.origin}, so the redirect URI is ${redirectUri}.`)]
    : [
        mistake(
          `The server takes ${own} for its address, and ${own}/callback for its redirect URI.`,
          `Set PUBLIC_URL=${base.origin}${mount}, and enter ${redirectUri} in the Vonage dashboard, to the letter.`,
        ),
      ];
};

/** The query of /callback has a code of up to 8192 characters, and the state. */
export const checkLongLinks: Check = async ({ request }) => {
  const { ok, mistake } = about('long links');
  const { status, json } = await request(`/callback?code=${'c'.repeat(8192)}&state=${'s'.repeat(44)}`);
  return status === 400 && json['error'] === 'invalid_request'
    ? [ok('A link of 8 KiB reaches the server.')]
    : [
        mistake(
          `A link of 8 KiB is answered with ${status}, and not by the server.`,
          'Let the proxy take request lines of 16 KiB (nginx: large_client_header_buffers 4 16k).',
        ),
      ];
};

/** The clock of the proxy or server that answers. */
export const checkClock: Check = async ({ base, request }) => {
  const { aheadMs } = await request(alivePathOf(base));
  return [
    aheadMs === undefined
      ? about('clock').unchecked('The proxy sends no Date.')
      : clockFinding('clock', aheadMs, 'the clock of this machine'),
  ];
};
