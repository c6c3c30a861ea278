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
