import { randomBytes } from 'node:crypto';
import { urlAt } from '../http.js';
import { SDKS, systemDevice, openLink } from '../phone/open-link.js';
import { LOGIN_TTL_SECONDS } from '../../login/login.js';
import { DOCTOR_USER_AGENT } from '../../login/routes.js';
import { sdkFindings } from './callback.js';
import { cookieFinding, cookieOf } from './http.js';
import { about, clockFinding, type Finding } from './finding.js';
import type { Answer, Check, Deployment } from './deployment.js';

/** How often a session is looked up, so that each of several servers is likely to be asked. */
const LOOKUPS = 6;

/**
 * Begins two logins, opens the link of each as an SDK does, and cancels both. Cookies, the redirect
 * URI and the client's address can only be checked by a login: without one the server sets no
 * cookie, and counts no address.
 */
export const checkLogin: Check = async (deployment) => {
  const names = ['cookie', 'sessions', 'redirect URI', 'client addresses'];
  if (deployment.number === undefined)
    return names.map((name) => about(name).unchecked('It needs a login: --login <number> begins two.'));
  const first = await begin(deployment);
  if (first.status !== 201) return [refusalFinding(first)];
  const findings = await cancelledAfter(deployment, first, async () => [
    cookieFinding(first, deployment.base),
    await sessionFinding(deployment, first),
    ...expiryFinding(first, deployment),
    ...(await linkFindings(deployment, first, 'ios')),
  ]);
  const second = await begin(deployment);
  findings.push(addressFinding(first, second));
  if (second.status !== 201) return findings;
  const more = await cancelledAfter(deployment, second, () => linkFindings(deployment, second, 'android'));
  return [...findings, ...more];
};

/**
 * Checks a login, and always cancels it: with SILENT_AUTH=verify Vonage would go on to an SMS by
 * itself.
 */
async function cancelledAfter(
  { request }: Deployment,
  { headers }: Answer,
  check: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await check();
  } finally {
    await request('/login', { method: 'DELETE', headers: { Cookie: cookieOf(headers) } });
  }
}

/** An address of the documentation range (RFC 3849), in another /48 each time. */
const forgedAddress = (): string =>
  `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`;

const begin = ({ request, number }: Deployment): Promise<Answer> =>
  request('/login', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': DOCTOR_USER_AGENT,
      'X-Forwarded-For': forgedAddress(),
    },
    body: JSON.stringify({ phone_number: number, client: 'app' }),
  });

/** Errors that may not occur with another number. */
const NUMBER_ERRORS = ['invalid_phone_number', 'number_not_allowed', 'country_not_allowed'];

function refusalFinding({ status, json }: Answer): Finding {
  const { mistake, unchecked } = about('login');
  const { error, detail } = json;
  const says = `POST /login is answered with ${status}`;
  if (typeof error !== 'string' || status >= 500)
    return mistake(
      typeof error === 'string' ? `${says} ${error}: ${String(detail)}` : says,
      'Look in the log of the server for the answer of Vonage.',
    );
  const advice = NUMBER_ERRORS.includes(error) ? ' Choose another number.' : '';
  return unchecked(`${says} ${error}: ${String(detail)}${advice}`);
}

/** Every server finds the session. */
async function sessionFinding({ request }: Deployment, { headers, json }: Answer): Promise<Finding> {
  const { ok, mistake } = about('sessions');
  for (let lookup = 0; lookup < LOOKUPS; lookup++) {
    const again = await request('/login', { headers: { Cookie: cookieOf(headers) } });
    if (again.json['login_id'] !== json['login_id'])
      return mistake(
        `A login that was begun is not found again (${again.status}).`,
        'Give all servers the same REDIS_URL and SESSION_SECRET, and let the proxy pass on the header Cookie.',
      );
  }
  return ok(`The login is found again, ${LOOKUPS} times.`);
}

/** A login expires five minutes after it was begun, by the clock of the server. */
function expiryFinding({ json }: Answer, { world }: Deployment): Finding[] {
  const endsAt = Date.parse(String(json['expires_at']));
  // The steps of a verification have times of their own.
  if ('cancellable_at' in json || Number.isNaN(endsAt)) return [];
  const aheadMs = endsAt - LOGIN_TTL_SECONDS * 1000 - world.now();
  return [clockFinding('clock of the server', aheadMs, 'the clock of this machine')];
}

/**
 * What each SDK gets by the link of a login. The check for iOS also checks where the redirects end.
 */
async function linkFindings(
  deployment: Deployment,
  { json }: Answer,
  name: keyof typeof SDKS,
): Promise<Finding[]> {
  const { unchecked } = about('redirect URI');
  const { auth_url: link } = json;
  if ('cancellable_at' in json)
    return [
      unchecked('With SILENT_AUTH=verify the redirects end at Vonage, which answers the device itself.'),
    ];
  if (typeof link !== 'string')
    return [unchecked(`The login has no link (${String(json['reason'])}): choose another number.`)];
  const opened = await openLink(link, SDKS[name], { device: { ...systemDevice(), answerTimeoutMs: 5_000 } });
  const last = new URL(opened.hops.at(-1) ?? link);
  const redirect = name === 'ios' ? [redirectFinding(new URL(link), last, deployment.base)] : [];
  if (last.host !== deployment.base.host) return redirect;
  return [...redirect, ...sdkFindings(SDKS[name], opened, 'the answer to a link that was opened')];
}

/**
 * The redirects end at the URI that is registered with Vonage, which has to be the one of the
 * server.
 */
function redirectFinding(link: URL, last: URL, base: URL): Finding {
  const { ok, mistake, unchecked } = about('redirect URI');
  const registered = last.origin + last.pathname;
  const { href: expected } = urlAt(base, '/callback');
  if (registered === expected) return ok(`The redirects end at ${registered}.`);
  const isReturn = ['code', 'error'].some((name) => last.searchParams.has(name)) && last.host !== link.host;
  return isReturn || last.host === base.host
    ? mistake(
        `The redirects end at ${registered}, and not at ${expected}.`,
        `Enter ${expected} in the Vonage dashboard, to the letter, and set PUBLIC_URL=${base.origin}.`,
      )
    : unchecked(
        `The redirects end on the way, at ${last.host}: Vonage knows another redirect URI, or the operator wants a SIM (Vonage's virtual operator, +990…, wants none).`,
      );
}

/**
 * `RateLimit` has what is left to the client's address range, so the second login has less left
 * unless the forged ranges are trusted. Where the server finds no address it sends the policy
 * alone.
 */
function addressFinding(first: Answer, second: Answer): Finding {
  const { ok, mistake, unchecked } = about('client addresses');
  if (first.headers.has('ratelimit-policy') && !first.headers.has('ratelimit'))
    return mistake(
      'The server finds no address of the client in X-Forwarded-For, so that limits count all clients as one.',
      "Let the proxy write the client's address at the end of X-Forwarded-For, with or without its port, and set TRUST_PROXY to the number of proxies that do.",
    );
  const [one, two] = [leftOf(first), leftOf(second)];
  if (!one || !two || two.seconds > one.seconds)
    return unchecked('The RateLimit headers of the two answers cannot be compared: run the doctor again.');
  return two.logins < one.logins
    ? ok('A forged X-Forwarded-For is ignored.')
    : mistake(
        'A forged X-Forwarded-For is trusted, so that limits by address range have no effect.',
        'Set TRUST_PROXY to the number of proxies in front, not more, or to their addresses; let no client reach the server past them.',
      );
}

function leftOf({ headers }: Answer): { logins: number; seconds: number } | undefined {
  const [, logins, seconds] = /"login-range";r=(\d+);t=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  return logins === undefined ? undefined : { logins: Number(logins), seconds: Number(seconds) };
}
