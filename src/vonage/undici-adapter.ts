import type { ProxySettings } from '../config/vonage.js';
import { AxiosError, type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { Agent, EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

/** Connections to one host at the most; a call beyond them waits for one, within its deadline. */
export const MAX_CONNECTIONS = 1000;

/** Milliseconds until a proxy has to have opened a tunnel: as long as the longest call may take. */
const TUNNEL_TIMEOUT_MS = 5000;

/** What every request says. */
const ALWAYS = { accept: 'application/json', 'accept-encoding': 'identity' };

/** What axios hands on of an answer, as its `data`. It is given no headers, since it would copy and examine each of them. */
export interface Carried {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/**
 * Carries the requests of axios over undici, whose own share of a call is small
 * (docs/performance.md). It follows no redirect, undoes no compression, repeats nothing that was
 * sent, and keeps connections alive as long as the other side allows. `timeout` (ms) ends with the
 * last byte of the answer, and is the only time that is kept.
 * @param maxAnswerBytes a longer body is cut off, and is an error
 * @param proxy through which all goes, if any
 * @returns an adapter for each request, which alone knows its headers: axios would copy and examine
 * them several times, and its errors would carry the bearer token
 */
export function createCarrier(
  maxAnswerBytes: number,
  proxy?: ProxySettings,
): (headers: Readonly<Record<string, string>>) => AxiosAdapter {
  const options: Agent.Options = {
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    maxResponseSize: maxAnswerBytes,
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const agent = proxy ? createProxyAgent(options, proxy) : new Agent(options);

  return (headers) => (config) => {
    const { origin, pathname, search } = new URL(String(config.url));
    const request = {
      origin,
      path: pathname + search,
      method: config.method?.toUpperCase() as 'POST',
      headers: { ...ALWAYS, ...headers },
      body: (config.data as string | undefined) ?? null,
    };
    return new Promise((resolve, reject) => agent.dispatch(request, answerOf(config, resolve, reject)));
  };
}

type Executor = Parameters<ConstructorParameters<typeof Promise<Awaited<ReturnType<AxiosAdapter>>>>[0]>;

/**
 * Gathers a whole answer, which is small: a stream would cost as much as all the rest of a call. An
 * error has a `request` once that was sent, and a `response` with as much of the answer as came.
 */
function answerOf(
  config: InternalAxiosRequestConfig,
  resolve: Executor[0],
  reject: Executor[1],
): Dispatcher.DispatchHandler {
  const carried: Carried = { headers: {}, body: Buffer.alloc(0) };
  const answer = { status: 0, statusText: '', headers: {}, config, data: carried };
  const chunks: Buffer[] = [];
  let sent: Dispatcher.DispatchController | undefined;
  let late: AxiosError | undefined;
  const failed = (message: string, code: string | undefined): AxiosError => {
    carried.body = Buffer.concat(chunks);
    return new AxiosError(message, code, config, sent, answer.status === 0 ? undefined : answer);
  };
  const timer = setTimeout(() => {
    late = failed('no answer came in time', AxiosError.ECONNABORTED);
    sent?.abort(late);
    reject(late);
  }, config.timeout);
  return {
    onRequestStart(controller) {
      // Its time ended while it waited for a connection: it is not sent any more.
      if (late !== undefined) controller.abort(late);
      else sent = controller;
    },
    onResponseStart(_controller, status, headers) {
      answer.status = status;
      carried.headers = headers;
    },
    onResponseData: (_controller, chunk) => void chunks.push(chunk),
    onResponseEnd() {
      clearTimeout(timer);
      carried.body = Buffer.concat(chunks);
      resolve(answer);
    },
    onResponseError(_controller, error) {
      clearTimeout(timer);
      const { message, code } = error as NodeJS.ErrnoException;
      reject(failed(message, code));
    },
  };
}

/**
 * An agent that goes through these proxies by `CONNECT` (RFC 9110 section 9.3.6), for http as well.
 */
const createProxyAgent = (
  options: Agent.Options,
  { https: httpsProxy, http: httpProxy, none: noProxy }: ProxySettings,
): Dispatcher =>
  new EnvHttpProxyAgent({ ...options, httpsProxy, httpProxy, noProxy, clientFactory: openProxyPool });

/**
 * Connections to a proxy, as undici opens them, but for what comes of a tunnel that is not opened:
 * an error that says so and ends the call. Of a proxy that just hangs up undici would ask again at
 * once, for ever.
 */
function openProxyPool(origin: URL, options: object): Dispatcher {
  const pool = new Pool(origin, { ...options, headersTimeout: TUNNEL_TIMEOUT_MS });
  const connect: (request: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData> =
    pool.connect.bind(pool);
  return Object.assign(pool, {
    async connect(request: Dispatcher.ConnectOptions) {
      const answer = await connect(request).catch((error: unknown) => {
        throw noTunnel((error as NodeJS.ErrnoException).code ?? 'unknown');
      });
      if (answer.statusCode === 200) return answer;
      answer.socket.on('error', () => undefined).destroy();
      throw noTunnel(answer.statusCode);
    },
  });
}

/** @param why a code of Node or undici, or the status of the proxy's answer */
const noTunnel = (why: string | number): Error =>
  Object.assign(new Error('the proxy opened no tunnel'), { code: `PROXY_${why}` });
