import { sdkError, type Device, type Sdk, type SdkResult, type Step } from '../sdk.js';
import { ConnectionFailure, connectTo, type Connection } from '../wire.js';
import { cookiesFor, type Cookie } from './cookies.js';
import { inputOf, readAnswer, resultOf } from './reading.js';
import { ANDROID_RULES, MAX_REQUESTS, isHttps } from './rules.js';

/**
 * `vonage-android-client-library` 1.2.0, read in its source (`ClientSocket.kt`); the names in the
 * comments are those of its functions. Two differences: it uses the network of this machine, not a
 * mobile one; and it opens http on this machine, where a sandbox has no certificate.
 */
export const ANDROID: Sdk = { name: 'Android', version: '1.2.0', open, rules: ANDROID_RULES };

/**
 * The test network of 3GPP (TS 36.508): the operator of the SIM, as mobile country and network
 * code.
 */
const OPERATOR = '00101';

interface Request {
  url: URL;
  isFirst: boolean;
  /** Whether the connection of the previous hop is used again. */
  isReused: boolean;
  cookies: readonly Cookie[];
}

/**
 * `makeHTTPCommand`: the headers of the app, and the operator, go along with the first hop alone.
 */
const textOf = ({ url, isFirst, isReused, cookies }: Request, headers: Headers, id: string): string => {
  const cookie = cookiesFor(cookies, url);
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...(isFirst ? Object.entries(headers).map(([name, value]) => `${name}: ${value}`) : []),
    `User-Agent: vonage-client-library-android/${ANDROID.version}/36 Android/16 Google/Pixel 10`,
    `x-silentauth-sdk-request: ${id}`,
    ...(isFirst ? [`x-silentauth-ops: ${OPERATOR}`] : []),
    'Accept: text/html,application/xhtml+xml,application/xml,*/*',
    ...(cookie === '' ? [] : [`Cookie: ${cookie}`]),
    ...(isReused ? [] : ['Connection: close']),
    '\r\n',
  ].join('\r\n');
};

type Headers = Record<string, string>;

/** `open`, whose loop goes one request beyond what it then calls too many. */
async function* open(link: string, headers: Headers, device: Device): AsyncGenerator<Step, SdkResult> {
  const [id, deadline] = [device.uuid(), device.now() + device.chainTimeoutMs];
  let [url, cookies] = [new URL(link), [] as Cookie[]];
  // VGCellularRequestClient.constructURL: a MalformedURLException.
  if (!isHttps(url)) return { nothing: 'it throws' };
  const socket = clientSocket(device);
  try {
    for (let requests = 1; ; requests++) {
      const remainingMs = deadline - device.now();
      if (remainingMs <= 0) return sdkError('sdk_timeout_error', 'Operation deadline exceeded');
      const request = { url, isFirst: requests === 1, isReused: socket.leadsTo(url), cookies };
      const text = textOf(request, headers, id);
      yield { is: 'request', url: url.href, text };
      const asked = await socket.ask(request, text, remainingMs);
      yield asked.step;
      if ('error' in asked) return sdkError('sdk_connection_error', `ex: ${asked.error}`);
      if (asked.redirect && requests <= MAX_REQUESTS) [url, cookies] = [asked.redirect, asked.cookies];
      else
        return requests >= MAX_REQUESTS ? sdkError('sdk_redirect_error', 'Too many redirects') : asked.result;
    }
  } finally {
    socket.close();
  }
}

type Asked = { step: Step } & (
  | { error: string }
  | { redirect: URL | undefined; cookies: Cookie[]; result: SdkResult }
);

/**
 * The one open connection. The next hop to the same host and port uses it again, though its first
 * request said `Connection: close`.
 */
function clientSocket(device: Device) {
  let connection: Connection | undefined;
  let authority = '';
  const close = (): void => {
    connection?.close();
    connection = undefined;
  };
  const leadsTo = (url: URL): boolean => connection !== undefined && url.host === authority;
  const start = async (url: URL, timeoutMs: number): Promise<Connection> => {
    close();
    if (!isHttps(url)) throw new Error(`Only HTTPS URLs are supported. Received: ${url.protocol}//`);
    connection = await connectTo(url, { now: device.now, timeoutMs });
    authority = url.host;
    return connection;
  };

  const ask = async ({ url, cookies }: Request, text: string, timeoutMs: number): Promise<Asked> => {
    const step: Step = { is: 'answer', url: url.href, raw: { segments: [], isReused: false } };
    try {
      const to = connection && leadsTo(url) ? connection : await start(url, timeoutMs);
      step.raw = to.send(text);
      const reading = await readAnswer(inputOf(to, timeoutMs), url, cookies);
      if (reading.mustClose || !(reading.redirect && leadsTo(reading.redirect))) close();
      return { step, redirect: reading.redirect, cookies: reading.cookies, result: resultOf(reading) };
    } catch (error) {
      close();
      if (error instanceof ConnectionFailure) step.failure = error;
      return { step, error: error instanceof Error ? error.message : String(error) };
    }
  };
  return { ask, leadsTo, close };
}
