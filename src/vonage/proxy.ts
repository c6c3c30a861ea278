import { parseUrl, type Reader } from '../settings.js';

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

/** @returns `undefined` where no proxy is named */
export function readProxy({ getInAnyCase, fail }: Reader): ProxySettings | undefined {
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
