import type { KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../private-key.js';
import { parseUrl, type Reader } from '../settings.js';
import { isAllowedLink, VONAGE_DOMAINS } from './link.js';
import { readProxy, type ProxySettings } from './proxy.js';

/** Where Vonage is, and as which application it is called. */
export interface VonageSettings {
  applicationId: string;
  privateKey: KeyObject;
  apiHost: string;
  tokenUrl: string;
  oidcUrl: string;
  verifyHost: string;
  authUrlHosts: readonly string[];
  /** Absent: Vonage is reached directly. */
  proxy: ProxySettings | undefined;
}

/** @returns all but the key where that cannot be used: then `fail` was told */
export function readVonage(
  reader: Reader,
): Omit<VonageSettings, 'privateKey'> & { privateKey: KeyObject | undefined } {
  const { get, fail, need, upstream } = reader;
  const applicationId = need(
    'VONAGE_APPLICATION_ID',
    'the id (a UUID) of your application in the Vonage dashboard.',
  );
  if (applicationId && !isUuid(applicationId)) fail('VONAGE_APPLICATION_ID must be a UUID.');
  const privateKey = readKey(
    need('VONAGE_PRIVATE_KEY', "the application's private key as PEM, base64 or a file path."),
    fail,
  );
  const base = get('VONAGE_BASE_URL') && upstream('VONAGE_BASE_URL', 'http://localhost:4000');
  const apiHost = base ?? upstream('VONAGE_API_HOST', 'https://api-eu.vonage.com');
  const places = {
    apiHost,
    // What a region's API hands out is exchanged there.
    tokenUrl: base ? `${base}/oauth2/token` : upstream('VONAGE_TOKEN_URL', `${apiHost}/oauth2/token`),
    oidcUrl: base
      ? `${base}/oauth2/auth`
      : upstream('VONAGE_OIDC_URL', 'https://oidc.idp.vonage.com/oauth2/auth'),
    verifyHost: base ?? upstream('VONAGE_VERIFY_HOST', 'https://api.nexmo.com'),
  };
  const authUrlHosts = readLinkHosts(reader, [apiHost, places.oidcUrl, places.verifyHost]);
  return { applicationId, privateKey, ...places, authUrlHosts, proxy: readProxy(reader) };
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

function readKey(text: string, fail: Reader['fail']): KeyObject | undefined {
  if (text === '') return undefined;
  const key = parsePrivateKey(text);
  if (typeof key !== 'string') return key;
  fail(`VONAGE_PRIVATE_KEY ${key}`);
  return undefined;
}

/** The hosts that are named, or Vonage's domains and the hosts that this server talks to itself. */
function readLinkHosts({ list, fail }: Reader, own: readonly string[]): string[] {
  const named = list('AUTH_URL_HOSTS');
  for (const host of named) {
    if (!isLinkHost(host))
      fail(
        `AUTH_URL_HOSTS: "${host}" is not a host name (and port), nor a domain with all its hosts, as in .vonage.com.`,
      );
  }
  if (named.length > 0) return named;
  const others = own.filter((url) => !isAllowedLink(url, VONAGE_DOMAINS));
  const hosts = others.map((url) => parseUrl(url)?.host ?? '').filter((host) => host !== '');
  return [...new Set([...hosts, ...VONAGE_DOMAINS])];
}

/**
 * Whether it is written as {@link isAllowedLink} compares it. A domain has two labels at least:
 * `.com` is everybody's.
 */
function isLinkHost(text: string): boolean {
  if (!text.startsWith('.')) return !text.includes('*') && parseUrl(`https://${text}`)?.host === text;
  return /^(?:\.[a-z0-9-]+){2,}$/.test(text) && parseUrl(`https://${text.slice(1)}`)?.host === text.slice(1);
}
