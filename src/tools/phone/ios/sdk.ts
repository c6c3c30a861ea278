import { sdkError, type Device, type Sdk, type SdkResult, type Step } from '../sdk.js';
import { Trouble, connectTo, type Connection, type Heard } from '../wire.js';
import { cookiesFor, cookiesIn, type Cookie } from './cookies.js';
import { readSegment, type Reading } from './reading.js';
import { IOS_RULES, MAX_REDIRECTS } from './rules.js';

/**
 * `vonage-ios-client-library` 1.0.5-beta, read in its source (`CellularConnectionManager.swift`); the names in the
 * comments are those of its functions. What is not imitated: the radio, so the operator sees the network this runs on.
 */
export const IOS: Sdk = { name: 'iOS', version: '1.0.5-beta', walk, rules: IOS_RULES };

/** `createHttpCommand`: the headers of the app go to every host of the chain; the agent ends in a space. */
function requestFor(url: URL, headers: Record<string, string>, cookies: readonly Cookie[]): string {
  const path = pathOf(url);
  const cookie = cookiesFor(cookies, url, path);
  return [
    `GET ${path}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(cookie === '' ? [] : [`Cookie: ${cookie}`]),
    `User-Agent: vonage-client-library-ios/${IOS.version} iOS/26.0 `,
    'Accept: text/html,application/xhtml+xml,application/xml,*/*',
    'Connection: close',
    '\r\n',
  ].join('\r\n');
}

/** Foundation's `URL.path` is decoded, and without a slash at its end, which comes back only where no query follows. */
function pathOf(url: URL): string {
  const path = decode(url.pathname).replace(/(.)\/$/, '$1');
  return url.href.endsWith('/') && !path.endsWith('/') ? `${path}/` : path;
}

const decode = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** `get` with its `checkResponseHandler`: one connection a hop, and one read of it. */
async function* walk(
  link: string,
  headers: Record<string, string>,
  device: Device,
): AsyncGenerator<Step, SdkResult> {
  const cookies: Cookie[] = [];
  let url = new URL(link);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!/^https?:$/.test(url.protocol)) {
      return sdkError('sdk_connection_error', `Problem creating a connection ${url.href}`);
    }
    const text = requestFor(url, headers, cookies);
    yield { is: 'request', url: url.href, text };
    const { step, reading, response } = await ask(url, text, device);
    yield step;
    if ('result' in reading) return reading.result;
    // It has a host, but no scheme.
    if (reading.follow.startsWith('//')) return sdkError('sdk_error', 'URL has no Host or Scheme');
    cookies.push(...cookiesIn(response, url));
    url = new URL(reading.follow, url);
  }
  return sdkError('sdk_redirect_error', 'Too many redirects');
}

interface Asked {
  step: Step;
  reading: Reading;
  response: string;
}

async function ask(url: URL, text: string, device: Device): Promise<Asked> {
  let connection: Connection | undefined;
  let heard: Heard = { segments: [], isReused: false };
  try {
    connection = await connectTo(url, {
      now: device.now,
      timeoutMs: device.connectMs,
      // `createConnection`: forced to exactly 1.2.
      tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
    });
    heard = connection.send(text);
    // `receive(minimumIncompleteLength: 1, maximumLength: 65536)`, with the timer off.
    const segment = await connection.read(device.patienceMs);
    const reading: Reading = segment
      ? readSegment(segment)
      : { result: sdkError('sdk_error', 'Response has no data or corrupt') };
    if ('result' in reading) await connection.listenOn(device.listenOnMs);
    return {
      step: { is: 'answer', url: url.href, heard },
      reading,
      response: segment?.toString('utf8') ?? '',
    };
  } catch (trouble) {
    if (!(trouble instanceof Trouble)) throw trouble;
    const result = resultOf(trouble, connection !== undefined);
    return { step: { is: 'answer', url: url.href, heard, trouble }, reading: { result }, response: '' };
  } finally {
    connection?.close();
  }
}

/**
 * A connection that is refused is one that `NWConnection` waits for, until the timer of five seconds; we do not wait with it.
 * Once it stands no timer runs, so an answer that never comes is waited for without end.
 */
function resultOf(trouble: Trouble, isConnected: boolean): SdkResult {
  if (isConnected && trouble.kind === 'silence') return { nothing: 'it waits' };
  if (isConnected) return sdkError('sdk_error', trouble.message);
  if (trouble.kind === 'tls') return sdkError('sdk_error', `Connection State: Failed ${trouble.message}`);
  return sdkError('sdk_connection_error', 'Connection cancelled - time out');
}
