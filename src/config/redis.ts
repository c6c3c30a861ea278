import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { parsePrivateKey, readPem } from '../core/keys.js';
import { parseRedisUrl, type Access, type Place } from './redis-url.js';

/** Whom Redis's certificates are believed from, and our own, in PEM. */
export interface Certificates {
  /** Absent: whom Node believes. */
  ca?: string;
  cert?: string;
  key?: string;
}

/** A client of ioredis that another app made, for one server or for a Sentinel. */
export interface RedisClient {
  duplicate(options: object): unknown;
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
  const read = (name: string, parse: (text: string) => string | { pem: string }): string | undefined => {
    const text = get(name);
    const parsed = text && parse(text);
    if (typeof parsed === 'object') return parsed.pem;
    if (parsed) fail(`${name} ${parsed}`);
    return undefined;
  };
  const [ca, cert] = [read(PEMS.ca, parseCertificates), read(PEMS.cert, parseCertificates)];
  const key = read(PEMS.key, parseKey);
  if ((get(PEMS.cert) === undefined) !== (get(PEMS.key) === undefined))
    fail('REDIS_CERT and REDIS_KEY belong together: our certificate, and its key.');
  if (cert && key && !fit(cert, key)) fail('REDIS_CERT and REDIS_KEY must be a certificate and its own key.');
  return { ...optional('ca', ca), ...optional('cert', cert), ...optional('key', key) };
}

/** @returns the certificates of a PEM, as OpenSSL reads them, or what is wrong with it */
function parseCertificates(text: string): { pem: string } | string {
  const parts = readPem(text);
  if (typeof parts === 'string') return parts;
  const certificates = parts.filter(({ label }) => label.endsWith('CERTIFICATE'));
  // TLS itself would take a CA that cannot be read for none at all, and then believe nobody.
  if (certificates.length === 0 || !certificates.every(({ der }) => succeeds(() => new X509Certificate(der))))
    return 'looks like a PEM, but holds no certificate that can be read.';
  return {
    pem: certificates
      .map(({ text, der }) =>
        succeeds(() => new X509Certificate(text)) ? text : new X509Certificate(der).toString(),
      )
      .join('\n'),
  };
}

function parseKey(text: string): { pem: string } | string {
  const key = parsePrivateKey(text, 'any');
  return typeof key === 'string' ? key : { pem: key.export({ type: 'pkcs8', format: 'pem' }) as string };
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
