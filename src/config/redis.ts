import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { parsePrivateKey, readPem } from '../core/keys.js';
import type { Reader } from './reader.js';
import { parseRedisUrl, type Access, type Place } from './redis-url.js';

export interface Certificates {
  /** The CA of Redis's certificates. Absent: those that Node trusts. */
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
  /** User and password for the sentinels, which have their own. */
  sentinelAccess: Access;
}

export function readRedis(reader: Reader): RedisSettings | undefined {
  const { get, fail, accept } = reader;
  const url = get('REDIS_URL');
  const place = url === undefined ? undefined : accept('REDIS_URL', parseRedisUrl(url));
  const certificates = readCertificates(reader);
  const sentinelAccess = definedOf({
    username: get('REDIS_SENTINEL_USERNAME'),
    password: get('REDIS_SENTINEL_PASSWORD'),
  });
  if (sentinelAccess.username && !sentinelAccess.password)
    fail('REDIS_SENTINEL_PASSWORD is missing: REDIS_SENTINEL_USERNAME needs it.');
  if (url !== undefined && place === undefined) return undefined;
  if (sentinelAccess.password && place?.kind !== 'sentinel')
    fail(
      'REDIS_SENTINEL_PASSWORD is set, but REDIS_URL names no sentinels: begin it with redis+sentinel://.',
    );
  for (const part of Object.keys(certificates))
    if (place?.tls !== true)
      fail(`REDIS_${part.toUpperCase()} is set, but REDIS_URL asks for no TLS: begin it with rediss.`);
  return place && { place, certificates, sentinelAccess };
}

type Defined<T> = { [N in keyof T]?: Exclude<T[N], undefined> };

const definedOf = <T extends object>(all: T): Defined<T> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Defined<T>;

function readCertificates({ get, fail, accept }: Reader): Certificates {
  const read = (name: string, parse: (text: string) => { pem: string } | string): string | undefined => {
    const text = get(name);
    return text && accept(name, parse(text))?.pem;
  };
  const [ca, cert] = [read('REDIS_CA', parseCertificates), read('REDIS_CERT', parseCertificates)];
  const key = read('REDIS_KEY', parseKey);
  if ((get('REDIS_CERT') === undefined) !== (get('REDIS_KEY') === undefined))
    fail('REDIS_CERT and REDIS_KEY belong together: our certificate, and its key.');
  if (cert && key && !fit(cert, key)) fail('REDIS_CERT and REDIS_KEY must be a certificate and its own key.');
  return definedOf({ ca, cert, key });
}

/** @returns the certificates of a PEM as OpenSSL reads them, or what is wrong with it */
function parseCertificates(text: string): { pem: string } | string {
  const parts = readPem(text);
  if (typeof parts === 'string') return parts;
  const certificates = parts.filter(({ label }) => label.endsWith('CERTIFICATE'));
  // TLS itself would ignore a CA that it cannot read, and then trust no server.
  if (certificates.length === 0 || !certificates.every(({ der }) => succeeds(() => new X509Certificate(der))))
    return 'looks like a PEM, but holds no certificate that can be read.';
  const pems = certificates.map(({ text, der }) =>
    succeeds(() => new X509Certificate(text)) ? text : new X509Certificate(der).toString(),
  );
  return { pem: pems.join('\n') };
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

/** Whether the key is that of the certificate, which OpenSSL does not check by itself. */
const fit = (cert: string, key: string): boolean =>
  succeeds(() => createSecureContext({ cert, key })) &&
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
