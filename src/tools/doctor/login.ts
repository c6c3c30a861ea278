import { randomBytes } from 'node:crypto';
import { SDKS, thisDevice, walk } from '../phone/walk.js';
import { LOGIN_TTL_SECONDS } from '../../login/login.js';
import { readingOf } from './callback.js';
import { clockFinding } from './clock.js';
import { cookieFinding, cookieOf } from './front.js';
import { about, type Finding } from './finding.js';
import type { Answer, Check, Patient } from './patient.js';

/** How often a session is looked up again: where there are several servers, by each of them. */
const LOOKS = 6;

/**
 * Begins two logins, walks the link of each as an SDK does, and gives both up. They are what tells of cookies, of the redirect
 * URI and of addresses: without one the server sets no cookie, and counts nobody.
 */
export const checkLogin: Check = async (patient) => {
  const names = ['cookie', 'sessions', 'redirect URI', 'client addresses'];
  if (patient.number === undefined)
    return names.map((name) => about(name).unchecked('It takes a login: --login <number> begins two.'));
  const first = await begin(patient);
  if (first.status !== 201) return [refusalFinding(first)];
  const findings = await givenUpAfter(patient, first, async () => [
    cookieFinding(first, patient.base),
    await sessionFinding(patient, first),
    ...expiryFinding(first, patient),
    ...(await walkFindings(patient, first, 'ios')),
  ]);
  const second = await begin(patient);
  findings.push(addressFinding(first, second));
  if (second.status !== 201) return findings;
  const walked = await givenUpAfter(patient, second, () => walkFindings(patient, second, 'android'));
  return [...findings, ...walked];
};

/** Looks at a login, and gives it up whatever that comes to: with SILENT_AUTH=verify Vonage would go on to an SMS by itself. */
async function givenUpAfter(
  { ask }: Patient,
  { headers }: Answer,
  look: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await look();
  } finally {
    await ask('/login', { method: 'DELETE', headers: { Cookie: cookieOf(headers) } });
  }
}

/** An address that this machine has not (RFC 3849), in another range each time. */
const forgedAddress = (): string =>
  `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`;

const begin = ({ ask, number }: Patient): Promise<Answer> =>
  ask('/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': forgedAddress() },
    body: JSON.stringify({ phone_number: number, client: 'app' }),
  });

/** What is wrong with the number, and with nothing else. */
const OF_THE_NUMBER = ['invalid_phone_number', 'number_not_allowed', 'country_not_allowed'];

function refusalFinding({ status, json }: Answer): Finding {
  const { mistake, unchecked } = about('login');
  const { error, detail } = json;
  const says = `POST /login is answered with ${status}`;
  if (typeof error !== 'string' || status >= 500)
    return mistake(
      typeof error === 'string' ? `${says} ${error}: ${String(detail)}` : says,
      'Look in the log of the server for what it was answered by Vonage.',
    );
  const advice = OF_THE_NUMBER.includes(error) ? ' Choose another number.' : '';
  return unchecked(`${says} ${error}: ${String(detail)}${advice}`);
}

/** The session is there again, whichever server is asked. */
async function sessionFinding({ ask }: Patient, { headers, json }: Answer): Promise<Finding> {
  const { ok, mistake } = about('sessions');
  for (let look = 0; look < LOOKS; look++) {
    const again = await ask('/login', { headers: { Cookie: cookieOf(headers) } });
    if (again.json['login_id'] !== json['login_id'])
      return mistake(
        `A login that was begun is not found again (${again.status}).`,
        'Give all servers the same REDIS_URL and SESSION_SECRET, and let the proxy pass on the header Cookie.',
      );
  }
  return ok(`The login is found again, ${LOOKS} times.`);
}

/** A login that is begun ends in five minutes by the clock of the server. */
function expiryFinding({ json }: Answer, { world }: Patient): Finding[] {
  const endsAt = Date.parse(String(json['expires_at']));
  // The steps of a Verify request have times of their own.
  if ('cancellable_at' in json || Number.isNaN(endsAt)) return [];
  const aheadMs = endsAt - LOGIN_TTL_SECONDS * 1000 - world.now();
  return [clockFinding('clock of the server', aheadMs, 'the clock of this machine')];
}

/** What an SDK brings home by the link of a login; the first of them says where it ends, too. */
async function walkFindings(patient: Patient, { json }: Answer, name: keyof typeof SDKS): Promise<Finding[]> {
  const { unchecked } = about('redirect URI');
  const { auth_url: link } = json;
  if ('cancellable_at' in json)
    return [
      unchecked('With SILENT_AUTH=verify the redirects end at Vonage, which answers the device itself.'),
    ];
  if (typeof link !== 'string')
    return [unchecked(`The login has no link (${String(json['reason'])}): choose another number.`)];
  const walked = await walk(link, SDKS[name], { device: { ...thisDevice(), patienceMs: 5_000 } });
  const last = new URL(walked.hops.at(-1) ?? link);
  const where = name === 'ios' ? [redirectFinding(new URL(link), last, patient.base)] : [];
  if (last.host !== patient.base.host) return where;
  return [...where, ...readingOf(SDKS[name], walked, 'the answer to a link that was walked')];
}

/** Where the redirects end is what is registered with Vonage, and the server sends the same with the code. */
function redirectFinding(link: URL, last: URL, base: URL): Finding {
  const { ok, mistake, unchecked } = about('redirect URI');
  const registered = last.origin + last.pathname;
  if (registered === `${base.origin}/callback`) return ok(`The redirects end at ${registered}.`);
  const isReturn = ['code', 'error'].some((name) => last.searchParams.has(name)) && last.host !== link.host;
  return isReturn || last.host === base.host
    ? mistake(
        `The redirects end at ${registered}, and not at ${base.origin}/callback.`,
        `Enter ${base.origin}/callback in the Vonage dashboard, to the letter, and set PUBLIC_URL=${base.origin}.`,
      )
    : unchecked(
        `The redirects end on the way, at ${last.host}: Vonage knows another redirect URI, or the operator wants a SIM (Vonage's virtual operator, +990…, wants none).`,
      );
}

/**
 * `RateLimit` tells what is left to one's own range: two forged ranges have each what one would
 * have. A caller whose address the server does not know is told the policy alone.
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
    return unchecked('The answers do not say how often one may log in: run it again.');
  return two.logins < one.logins
    ? ok('A forged X-Forwarded-For is not believed.')
    : mistake(
        'A forged X-Forwarded-For is believed, so that limits by address range limit nobody.',
        'Set TRUST_PROXY to the number of proxies in front, not more, or to their addresses; let nobody reach the server past them.',
      );
}

function leftOf({ headers }: Answer): { logins: number; seconds: number } | undefined {
  const [, logins, seconds] = /"login-range";r=(\d+);t=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  return logins === undefined ? undefined : { logins: Number(logins), seconds: Number(seconds) };
}
