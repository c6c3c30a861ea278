import { isLoopback } from '../http.js';
import { about, type Finding } from './finding.js';
import { requestAt, type Check, type Deployment } from './deployment.js';

/** Checks that http is redirected to https, or closed. @param plain the http origin */
export async function checkPlainHttp(plain: URL, world: Deployment['world']): Promise<Finding> {
  const { ok, mistake } = about('http');
  try {
    const { status, headers } = await requestAt(plain, {}, world);
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

/** Where https has its default port, http has its default port as well. Other ports are unknown. */
export const checkHttp: Check = async ({ base, world }) =>
  base.protocol === 'https:' && base.port === ''
    ? [await checkPlainHttp(new URL(`http://${base.hostname}/`), world)]
    : [about('http').unchecked('The base URL names a port, or is http itself.')];

/** A page of another origin may neither read nor change anything. */
export const checkOtherOrigins: Check = async ({ request }) => {
  const { ok, mistake } = about('other origins');
  const headers = { Origin: 'https://stranger.invalid' };
  const read = await request('/session', { headers });
  const allowed = read.headers.get('access-control-allow-origin');
  if (allowed !== null) {
    const mend =
      'Take Access-Control-Allow-Origin out of the proxy; name the origins of your web apps in ALLOWED_ORIGINS.';
    return [mistake(`Any page may read answers: Access-Control-Allow-Origin is ${allowed}.`, mend)];
  }
  const written = await request('/logout', { method: 'POST', headers });
  return written.status === 403
    ? [ok('They can neither read nor change anything.')]
    : [
        mistake(
          `A page of another origin may post: it is answered with ${written.status} instead of 403.`,
          'Let the proxy pass on the header Origin as it comes.',
        ),
      ];
};

/** Paths that must not answer from outside. */
const PRIVATE_PATHS = [
  {
    check: 'metrics',
    path: '/metrics',
    mend: 'Open METRICS_PORT to the network of Prometheus only, and let no path of the proxy lead there.',
  },
  {
    check: 'sandbox',
    path: '/__sandbox/requests',
    mend: 'Take the sandbox out of this deployment: it shows codes to every client.',
  },
] as const;

export const checkPrivate: Check = async (deployment) => {
  const { base, settings, world } = deployment;
  const port = settings?.config?.metrics?.port;
  const paths = await Promise.all(PRIVATE_PATHS.map((each) => privatePathFinding(deployment, each)));
  if (port === undefined || isLoopback(base)) return paths;
  return [...paths, await checkMetricsPort(new URL(`http://${base.hostname}:${port}/metrics`), world)];
};

async function privatePathFinding(
  { base, world }: Deployment,
  { check, path, mend }: (typeof PRIVATE_PATHS)[number],
): Promise<Finding> {
  const { ok, mistake } = about(check);
  const { status } = await requestAt(new URL(path, base), {}, world);
  return status === 200
    ? mistake(`GET ${path} is answered to every client.`, mend)
    : ok(`GET ${path} is answered with ${status}.`);
}

/** The metrics have a port of their own, which may answer clients of the same network. */
export async function checkMetricsPort(url: URL, world: Deployment['world']): Promise<Finding> {
  const { ok, warning } = about('metrics port');
  const answer = await requestAt(url, {}, world).catch(() => undefined);
  return answer?.status === 200
    ? warning(
        `${url.href} answers this machine.`,
        'Make sure that no client outside the network can reach it: leave METRICS_HOST at 127.0.0.1, or do not publish the port.',
      )
    : ok('It does not answer at the host of the base URL.');
}
