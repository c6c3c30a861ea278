import type { KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../core/keys.js';
import { parseUrl, type Reader } from './reader.js';

/**
 * The proxies that lead out, as the variables that all tools share name them. An empty one is none.
 */
export interface ProxySettings {
  /** For https. A URL, credentials included, which belongs into no log. */
  https: string;
  /** For http, and for https where there is no other one. */
  http: string;
  /** Hosts that are reached without a proxy, in the notation of `NO_PROXY`. */
  none: string;
}

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

/** @returns `undefined` where no proxy is named */
function readProxy({ getInAnyCase, fail }: Reader): ProxySettings | undefined {
  const read = (name: string): string => {
    const text = getInAnyCase(name);
    return text === undefined ? '' : readProxyUrl(text, (problem) => fail(`${name} ${problem}`));
  };
  const [https, http] = [read('HTTPS_PROXY'), read('HTTP_PROXY')];
  const none = getInAnyCase('NO_PROXY') ?? '';
  return https === '' && http === '' ? undefined : { https, http, none };
}

/** @param fail hears what is wrong, which never repeats the URL: there may be a password in it */
function readProxyUrl(text: string, fail: (problem: string) => string): string {
  const url = parseUrl(text.includes('://') ? text : `http://${text}`);
  const isProxy = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${originOf(url)}/`;
  if (!isProxy || !isDecodable(url.username + url.password))
    return fail(
      'must be a URL like http://user:password@proxy.example.com:3128, without a path. Characters such as @ : / ? # % in a user or a password have to be percent-encoded.',
    );
  if ((url.username === '') !== (url.password === ''))
    return fail('names a user without a password, or a password without a user.');
  return url.href;
}

/** The URL without path, query and fragment, as it is written with its credentials. */
const originOf = ({ protocol, username, password, host }: URL): string =>
  `${protocol}//${username}${password && `:${password}`}${(username || password) && '@'}${host}`;

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Vonage's own domains: a link may lead to each of them, and to any host below it. */
export const VONAGE_DOMAINS = ['.vonage.com', '.nexmo.com'];

/** Characters: proxies and operators take no longer URL. */
const MAX_LINK_LENGTH = 8192;

/** The authority of a link as it is written (RFC 3986 section 3.2). A URI is visible ASCII. */
const LINK = /^https?:\/\/([a-z0-9[][^/?#]*)(?:[/?#][\x21-\x7e]*)?$/i;

/**
 * Whether a device may be sent to `link`: over https to one of these hosts. Plain http is for a
 * sandbox on this very machine. Devices read a link by other parsers than ours, so a link whose
 * authority is not written as it is meant is none.
 * @param hosts `host`, `host:port`, or with a dot in front a domain and all hosts below it, at the
 * default port
 */
export function isAllowedLink(link: string, hosts: readonly string[]): boolean {
  const written = link.length <= MAX_LINK_LENGTH ? LINK.exec(link)?.[1]?.toLowerCase() : undefined;
  if (written === undefined || !URL.canParse(link)) return false;
  const { protocol, host, hostname, port } = new URL(link);
  const withPort = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
  const secure = protocol === 'https:' || hostname === 'localhost';
  return secure && [host, withPort].includes(written) && hosts.some((allowed) => isAtOrBelow(host, allowed));
}

/** `host` has its port with it where that is not the default, and is then no host of a domain. */
const isAtOrBelow = (host: string, allowed: string): boolean =>
  allowed.startsWith('.') ? `.${host}`.endsWith(allowed) : host === allowed;
