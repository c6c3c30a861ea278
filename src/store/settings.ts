import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readPem } from '../pem.js';
import { parseRedisUrl, type Access, type Place } from './address.js';

/** Whom Redis's certificates are believed from, and our own, in PEM. */
export interface Certificates {
  /** Absent: whom Node believes. */
  ca?: string;
  cert?: string;
  key?: string;
}

export interface RedisSettings {
  place: Place;
  certificates: Certificates;
  /** Whom we are to the sentinels, which have passwords of their own. */
  sentinelAccess: Access;
}

interface Reader {
  get: (name: string) => string | undefined;
  fail: (problem: string) => string;
}

const PEMS = { ca: 'REDIS_CA', cert: 'REDIS_CERT', key: 'REDIS_KEY' } as const;

/** @returns `undefined` where no Redis is named, or what names it cannot be used: then `fail` was told */
export function readRedis({ get, fail }: Reader): RedisSettings | undefined {
  const url = get('REDIS_URL');
  const place = url === undefined ? undefined : parseRedisUrl(url);
  if (typeof place === 'string') fail(`REDIS_URL ${place}`);
  const certificates = readCertificates({ get, fail });
  const sentinelAccess = {
    ...optional('username', get('REDIS_SENTINEL_USERNAME')),
    ...optional('password', get('REDIS_SENTINEL_PASSWORD')),
  };
  if (sentinelAccess.username && !sentinelAccess.password)
    fail('REDIS_SENTINEL_PASSWORD is missing: REDIS_SENTINEL_USERNAME is somebody with a password.');
  if (typeof place === 'string') return undefined;
  if (sentinelAccess.password && place?.kind !== 'sentinel')
    fail(
      'REDIS_SENTINEL_PASSWORD is set, but REDIS_URL names no sentinels: begin it with redis+sentinel://.',
    );
  for (const [part, name] of Object.entries(PEMS)) {
    if (part in certificates && place?.tls !== true)
      fail(`${name} is set, but REDIS_URL asks for no TLS: begin it with rediss.`);
  }
  return place && { place, certificates, sentinelAccess };
}

const optional = <K extends string>(name: K, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [N in K]?: string };

function readCertificates({ get, fail }: Reader): Certificates {
  const pem = (name: string): string | undefined => {
    const text = get(name);
    const read = text && readPem(text);
    if (text && !read) fail(`${name} is neither PEM, nor base64 of a PEM, nor a file that can be read.`);
    return read || undefined;
  };
  const [ca, cert, key] = [pem(PEMS.ca), pem(PEMS.cert), pem(PEMS.key)];
  if (ca && !holdsCertificates(ca))
    fail('REDIS_CA looks like a PEM, but holds no certificate that can be read.');
  if ((get(PEMS.cert) === undefined) !== (get(PEMS.key) === undefined))
    fail('REDIS_CERT and REDIS_KEY belong together: our certificate, and its key.');
  if (cert && key && !fit(cert, key))
    fail('REDIS_CERT and REDIS_KEY must be a certificate and its own key, without a passphrase.');
  return { ...optional('ca', ca), ...optional('cert', cert), ...optional('key', key) };
}

const succeeds = (work: () => unknown): boolean => {
  try {
    work();
    return true;
  } catch {
    return false;
  }
};

/** The key is that of the certificate. OpenSSL itself says so only when it is asked. */
const fit = (cert: string, key: string): boolean =>
  succeeds(() => createSecureContext({ cert, key })) &&
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));

/** TLS itself would take a CA that cannot be read for none at all, and then believe nobody. */
function holdsCertificates(pem: string): boolean {
  const each = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  return each.length > 0 && each.every((certificate) => succeeds(() => new X509Certificate(certificate)));
}
