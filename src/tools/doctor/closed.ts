import { isThisMachine } from '../phone/place.js';
import { about, type Finding } from './finding.js';
import { askAt, type Answer, type Check, type Patient } from './patient.js';

/** What http gets that should have been https. @param plain the http origin */
export async function checkPlainHttp(plain: URL, world: Patient['world']): Promise<Finding> {
  const { ok, mistake } = about('http');
  try {
    const { status, headers } = await askAt(plain, {}, world);
    const to = headers.get('location') ?? '';
    if (status >= 300 && status < 400 && to.startsWith('https://')) return ok('It is redirected to https.');
    return mistake(
      `${plain.origin} answers with ${status} instead of a redirect to https.`,
      'Redirect http to https in the proxy, or close its port 80.',
    );
  } catch {
    return ok('Nothing answers there.');
  }
}

/** Only the usual port has an http beside it that one can know of. */
export const checkHttp: Check = async ({ base, world }) =>
  base.protocol === 'https:' && base.port === ''
    ? [await checkPlainHttp(new URL(`http://${base.hostname}/`), world)]
    : [about('http').unchecked('The base URL names a port, or is http itself.')];

/** A page of somebody else may read nothing, and change nothing. */
export const checkStrangers: Check = async ({ ask }) => {
  const { ok, mistake } = about('other origins');
  const headers = { Origin: 'https://stranger.invalid' };
  const read = await ask('/session', { headers });
  const allowed = read.headers.get('access-control-allow-origin');
  if (allowed !== null) {
    const mend =
      'Take Access-Control-Allow-Origin out of the proxy; name the origins of your web apps in ALLOWED_ORIGINS.';
    return [mistake(`Any page may read answers: Access-Control-Allow-Origin is ${allowed}.`, mend)];
  }
  const written = await ask('/logout', { method: 'POST', headers });
  return written.status === 403
    ? [ok('They can neither read nor change anything.')]
    : [
        mistake(
          `A page of another origin may post: it is answered with ${written.status} instead of 403.`,
          'Let the proxy pass on the header Origin as it comes.',
        ),
      ];
};

/** What only the inside may ask, and whether an answer means that it can be had. */
const PRIVATE = [
  {
    check: 'metrics',
    path: '/metrics',
    mend: 'Keep METRICS_PORT to the network of Prometheus; no path of the proxy leads there.',
  },
  {
    check: 'sandbox',
    path: '/__sandbox/requests',
    mend: 'Take the sandbox out of this deployment: it hands out codes to whoever asks.',
  },
] as const;

export const checkPrivate: Check = async (patient) => {
  const { base, settings, world } = patient;
  const port = settings?.config?.metrics?.port;
  const paths = await Promise.all(PRIVATE.map((each) => isPrivate(patient, each)));
  if (port === undefined || isThisMachine(base)) return paths;
  return [...paths, await checkMetricsPort(new URL(`http://${base.hostname}:${port}/metrics`), world)];
};

async function isPrivate(
  { ask }: Patient,
  { check, path, mend }: (typeof PRIVATE)[number],
): Promise<Finding> {
  const { ok, mistake } = about(check);
  const { status }: Answer = await ask(path);
  return status === 200
    ? mistake(`GET ${path} is answered to everybody.`, mend)
    : ok(`GET ${path} is answered with ${status}.`);
}

/** The metrics have a port of their own, which may answer whoever is inside. */
export async function checkMetricsPort(url: URL, world: Patient['world']): Promise<Finding> {
  const { ok, warning } = about('metrics port');
  const answer = await askAt(url, {}, world).catch(() => undefined);
  return answer?.status === 200
    ? warning(
        `${url.href} answers this machine.`,
        'See that it answers nobody who is not inside: leave METRICS_HOST at 127.0.0.1, or do not publish the port.',
      )
    : ok('It does not answer at the host of the base URL.');
}
