import { sdkError, type Device, type Sdk, type SdkResult, type Step } from '../sdk.js';
import { ConnectionFailure, connectTo, type Connection, type RawAnswer } from '../wire.js';
import { cookiesFor, cookiesIn, type Cookie } from './cookies.js';
import { readSegment, type Reading } from './reading.js';
import { IOS_RULES, MAX_REDIRECTS } from './rules.js';

/**
 * `vonage-ios-client-library` 1.0.5-beta, read in its source (`CellularConnectionManager.swift`);
 * the names in the comments are those of its functions. It uses the network of this machine, not a
 * mobile one.
 */
export const IOS: Sdk = { name: 'iOS', version: '1.0.5-beta', open, rules: IOS_RULES };

/**
 * `createHttpCommand`: the headers of the app go to every host of the chain; the agent ends in a
 * space.
 */
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

/**
 * Foundation's `URL.path` is decoded, and without a slash at its end, which comes back only where
 * no query follows.
 */
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

/** `get` with its `checkResponseHandler`: one connection and one read for each hop. */
async function* open(
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
  let raw: RawAnswer = { segments: [], isReused: false };
  try {
    connection = await connectTo(url, {
      now: device.now,
      timeoutMs: device.connectTimeoutMs,
      // `createConnection`: forced to exactly 1.2.
      tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
    });
    raw = connection.send(text);
    // `receive(minimumIncompleteLength: 1, maximumLength: 65536)`, with the timer off.
    const segment = await connection.read(device.answerTimeoutMs);
    const reading: Reading = segment
      ? readSegment(segment)
      : { result: sdkError('sdk_error', 'Response has no data or corrupt') };
    if ('result' in reading) await connection.readRest(device.readRestMs);
    return {
      step: { is: 'answer', url: url.href, raw },
      reading,
      response: segment?.toString('utf8') ?? '',
    };
  } catch (failure) {
    if (!(failure instanceof ConnectionFailure)) throw failure;
    const result = resultOf(failure, connection !== undefined);
    return { step: { is: 'answer', url: url.href, raw, failure }, reading: { result }, response: '' };
  } finally {
    connection?.close();
  }
}

/**
 * After a refused connection `NWConnection` waits until the timer of five seconds; this does not
 * wait. Once connected it runs no timer, so it waits for an answer without end.
 */
function resultOf(failure: ConnectionFailure, isConnected: boolean): SdkResult {
  if (isConnected && failure.kind === 'timeout') return { nothing: 'it waits' };
  if (isConnected) return sdkError('sdk_error', failure.message);
  if (failure.kind === 'tls') return sdkError('sdk_error', `Connection State: Failed ${failure.message}`);
  return sdkError('sdk_connection_error', 'Connection cancelled - time out');
}
