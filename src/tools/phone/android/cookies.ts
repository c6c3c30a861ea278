/**
 * A cookie as `java.net.HttpCookie.parse` makes it: attributes that are null there are absent here.
 */
export interface Cookie {
  name: string;
  value: string;
  domain?: string;
  path?: string;
  isSecure: boolean;
}

/** One `Set-Cookie` line; what Java would refuse is left out. */
export function cookieIn(line: string): Cookie | undefined {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals).trim();
  if (equals < 1 || /[,\s]|^\$/.test(name)) return undefined;
  const attribute = (wanted: string): string | undefined =>
    attributes.find((each) => each.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
  const [domain, path] = [attribute('domain'), attribute('path')];
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    ...(domain !== undefined && { domain }),
    ...(path !== undefined && { path }),
    isSecure: attributes.some((each) => each.toLowerCase() === 'secure'),
  };
}

/**
 * `makeHTTPCommand`: a cookie without a domain goes to every host, one without a path to every
 * path, and none expires.
 */
export function cookiesFor(cookies: readonly Cookie[], url: URL): string {
  const host = url.hostname.toLowerCase();
  const matches = (domain: string | undefined): boolean => {
    const wanted = domain?.replace(/^\.+/, '').toLowerCase();
    return wanted === undefined || host === wanted || host.endsWith(`.${wanted}`);
  };
  return cookies
    .filter(
      (each) =>
        (!each.isSecure || url.protocol === 'https:') &&
        matches(each.domain) &&
        url.pathname.startsWith(each.path ?? ''),
    )
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}
