/** A cookie as `HTTPCookie.cookies(withResponseHeaderFields:for:)` makes it. */
export interface Cookie {
  name: string;
  value: string;
  domain: string;
  path: string;
  isSecure: boolean;
}

/** `parseCookies`: every line that contains `ookie: `. A cookie that is set again is kept twice. */
export const cookiesIn = (response: string, url: URL): Cookie[] =>
  [...response.matchAll(/ookie: (.*)\r\n/g)].flatMap(([, line = '']) => parse(line, url) ?? []);

function parse(line: string, url: URL): Cookie | undefined {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  if (equals < 1) return undefined;
  const attribute = (wanted: string): string | undefined =>
    attributes.find((each) => each.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
  const domain = attribute('domain')?.replace(/^\.?/, '.');
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    // Foundation puts a dot before a domain that was named, and none before the host where it was
    // not.
    domain: domain ?? url.hostname,
    path: attribute('path') ?? '/',
    isSecure: attributes.some((each) => each.toLowerCase() === 'secure'),
  };
}

/** `createHttpCommand`: the cookies that are sent. It ignores `Max-Age` and `Expires`. */
export const cookiesFor = (cookies: readonly Cookie[], url: URL, path: string): string =>
  cookies
    .filter(
      (each) =>
        (!each.isSecure || url.protocol === 'https:') &&
        url.hostname.includes(each.domain) &&
        path.startsWith(each.path),
    )
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
