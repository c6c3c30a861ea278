import { connect } from 'node:net';

/** The last answer of a redirect chain, as the mobile SDKs hand it to the app. */
export interface Walk {
  status: number;
  headers: Record<string, string>;
  body: string;
  json: Record<string, unknown> | undefined;
  /** The addresses that were asked, in order. */
  hops: string[];
  /** In how many reads the last answer arrived: the SDK of iOS does one. */
  reads: number;
}

export interface WalkOptions {
  /** The number of the SIM in the device, where it is not the one of the login. */
  sim?: string;
  headers?: Record<string, string>;
  /** Stops before the hop whose address begins with this. */
  stopBefore?: string;
}

/** What the SDKs send on every hop; they ask for HTML though they want JSON. */
const SDK_HEADERS = {
  'User-Agent': 'vonage-sdk/1.2.0',
  Accept: 'text/html,application/xhtml+xml,application/xml,*/*',
  Connection: 'close',
};

/** The SDKs give up at ten. */
const MAX_HOPS = 10;

/**
 * Opens a link like the mobile SDKs: raw sockets, no cookies of the app, redirects followed by hand, the app's own
 * headers on the first hop alone, and each body read until the connection closes.
 */
export async function walk(link: string, { sim, headers = {}, stopBefore }: WalkOptions = {}): Promise<Walk> {
  const hops: string[] = [];
  let extra: Record<string, string> = { ...headers, ...(sim !== undefined && { 'x-sandbox-sim': sim }) };
  for (let url = link; ;) {
    if (hops.length >= MAX_HOPS) throw new Error('sdk_redirect_error');
    hops.push(url);
    const answer = await get(new URL(url), { ...SDK_HEADERS, ...extra });
    const next = answer.status >= 300 && answer.status < 400 ? answer.headers['location'] : undefined;
    if (next === undefined) return { ...answer, hops };
    url = new URL(next, url).href;
    if (stopBefore !== undefined && url.startsWith(stopBefore)) return { ...answer, hops: [...hops, url] };
    extra = headers;
  }
}

function get(url: URL, headers: Record<string, string>): Promise<Omit<Walk, 'hops'>> {
  return new Promise((resolve, reject) => {
    const lines = Object.entries({ Host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}`);
    const socket = connect(Number(url.port), url.hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    // Read until the connection closes: an answer that leaves it open is one the SDKs wait on for seconds.
    socket.setTimeout(5000, () => socket.destroy(new Error('sdk_timeout_error')));
    socket.on('end', () => resolve(parse(chunks)));
    socket.write([`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
  });
}

function parse(chunks: Buffer[]): Omit<Walk, 'hops'> {
  const [head = '', body = ''] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  // To the letter, as the SDKs compare it.
  const readable = /^application\/(json|hal\+json|problem\+json)$/.test(headers['content-type'] ?? '');
  const json = readable && body.includes('{') ? (JSON.parse(body) as Record<string, unknown>) : undefined;
  return { status: Number(statusLine.split(' ')[1]), headers, body, json, reads: chunks.length };
}
