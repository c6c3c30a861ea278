import type { KeyObject } from 'node:crypto';
import { parseUrl, type Reader } from './reader.js';

export type VonageSettings = ReturnType<typeof readVonage> & { privateKey: KeyObject };

/** Forward proxies on the way to Vonage, by the variables that other tools read as well. */
export interface ProxySettings {
  /** The proxy for https, or an empty string. It may contain credentials: never log it. */
  https: string;
  /** The proxy for http, and for https if there is no other one. */
  http: string;
  /** Hosts that are reached without a proxy, in the notation of `NO_PROXY`. */
  none: string;
}

/** @returns the settings, with an undefined `privateKey` if it cannot be used */
export function readVonage(reader: Reader) {
  const { get, fail, need, upstream } = reader;
  const applicationId = need(
    'VONAGE_APPLICATION_ID',
    'the id (a UUID) of your application in the Vonage dashboard.',
  );
  if (applicationId && !isUuid(applicationId)) fail('VONAGE_APPLICATION_ID must be a UUID.');
  const key = need('VONAGE_PRIVATE_KEY', "the application's private key as PEM, base64 or a file path.");
  const privateKey = key === '' ? undefined : reader.privateKey('VONAGE_PRIVATE_KEY', key, 'RS256');
  const base = get('VONAGE_BASE_URL') && upstream('VONAGE_BASE_URL', 'http://localhost:4000');
  const at = (path: string, name: string, fallback: string): string =>
    base === undefined ? upstream(name, fallback) : base && `${base}${path}`;
  const apiHost = at('', 'VONAGE_API_HOST', 'https://api-eu.vonage.com');
  // A code can be exchanged only in the region whose API issued it.
  const tokenUrl = at('/oauth2/token', 'VONAGE_TOKEN_URL', `${apiHost}/oauth2/token`);
  const oidcUrl = at('/oauth2/auth', 'VONAGE_OIDC_URL', 'https://oidc.idp.vonage.com/oauth2/auth');
  const verifyHost = at('', 'VONAGE_VERIFY_HOST', 'https://api.nexmo.com');
  return {
    ...{ applicationId, privateKey, apiHost, tokenUrl, oidcUrl, verifyHost },
    /** The hosts that a link may name, as {@link isAllowedLink} takes them. */
    authUrlHosts: readLinkHosts(reader, [apiHost, oidcUrl, verifyHost]),
    /** Absent: Vonage is reached directly. */
    proxy: readProxy(reader),
  };
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** By default Vonage's domains, and the hosts that this server itself calls. */
function readLinkHosts({ list, fail }: Reader, ownUrls: readonly string[]): readonly string[] {
  const named = list('AUTH_URL_HOSTS');
  for (const host of named.filter((each) => !isLinkHost(each)))
    fail(
      `AUTH_URL_HOSTS: "${host}" is not a host name (and port), nor a domain with all its hosts, as in .vonage.com.`,
    );
  if (named.length > 0) return named;
  const others = ownUrls.filter((url) => !isAllowedLink(url, VONAGE_DOMAINS));
  const hosts = others.map((url) => parseUrl(url)?.host ?? '').filter((host) => host !== '');
  return [...new Set([...hosts, ...VONAGE_DOMAINS])];
}

/**
 * Whether a host or domain is written as {@link isAllowedLink} compares it. A domain has at least
 * two labels, because `.com` would allow every host below it.
 */
function isLinkHost(text: string): boolean {
  if (!text.startsWith('.')) return parseUrl(`https://${text}`)?.host === text;
  return /^(?:\.[a-z0-9-]+){2,}$/.test(text) && parseUrl(`https://${text.slice(1)}`)?.host === text.slice(1);
}

function readProxy({ getInAnyCase, fail }: Reader): ProxySettings | undefined {
  const read = (name: string): string => {
    const text = getInAnyCase(name);
    return text === undefined ? '' : readProxyUrl(text, (problem) => fail(`${name} ${problem}`));
  };
  const [https, http] = [read('HTTPS_PROXY'), read('HTTP_PROXY')];
  const none = getInAnyCase('NO_PROXY') ?? '';
  return https === '' && http === '' ? undefined : { https, http, none };
}

/** @param fail gets what is wrong, without the URL, which may contain a password */
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

/** The URL without path, query and fragment, but with its credentials. */
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

export const VONAGE_DOMAINS = ['.vonage.com', '.nexmo.com'];

/** Proxies and operators accept no longer URL. */
const MAX_LINK_CHARACTERS = 8192;

/** The authority of a link as it is written (RFC 3986 section 3.2). A URI is visible ASCII. */
const LINK = /^https?:\/\/([a-z0-9[][^/?#]*)(?:[/?#][\x21-\x7e]*)?$/i;

/**
 * Whether a device may open `link`: over https at one of these hosts, or over http a sandbox on
 * localhost. Devices parse links differently, so the authority has to be in its normal form.
 * @param hosts `host`, `host:port`, or `.domain` for it and all hosts below at the default port
 */
export function isAllowedLink(link: string, hosts: readonly string[]): boolean {
  const written = link.length <= MAX_LINK_CHARACTERS ? LINK.exec(link)?.[1]?.toLowerCase() : undefined;
  if (written === undefined || !URL.canParse(link)) return false;
  const { protocol, host, hostname, port } = new URL(link);
  const withPort = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
  const secure = protocol === 'https:' || hostname === 'localhost';
  return secure && [host, withPort].includes(written) && hosts.some((allowed) => isAtOrBelow(host, allowed));
}

/** A `host` with a port, which is never the default one, is in no domain. */
const isAtOrBelow = (host: string, allowed: string): boolean =>
  allowed.startsWith('.') ? `.${host}`.endsWith(allowed) : host === allowed;
