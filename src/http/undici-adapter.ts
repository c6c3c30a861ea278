import type { ProxySettings } from '../config/vonage.js';
import { AxiosError, type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { Agent, EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

/** Connections to one host at the most; a call beyond them waits for one, within its deadline. */
export const MAX_CONNECTIONS = 1000;

/** How long a proxy may take to open a tunnel: as long as the longest call. */
const TUNNEL_TIMEOUT_MS = 5000;

/**
 * Headers of every request. Many gateways refuse a request without `User-Agent`, which a client
 * should send (RFC 9110 section 10.1.5).
 */
const COMMON_HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'silent-auth-bff',
};

/**
 * The `data` of an axios response. axios gets no headers, since it would copy and examine each of
 * them.
 */
export interface RawAnswer {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/**
 * Sends the requests of axios by undici, which takes a small share of a call (docs/performance.md).
 * It follows no redirect, decompresses nothing, repeats no request that was sent, and keeps
 * connections alive as long as the other side allows. The `timeout` of a request (ms) lasts until
 * the last byte of the answer.
 * @param maxAnswerBytes a longer body is an error
 * @returns an adapter for each request, which alone has its headers: axios would copy and examine
 * them several times, and its errors would hold the bearer token
 */
export function createUndiciAdapter(
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
      headers: { ...COMMON_HEADERS, ...headers },
      body: (config.data as string | undefined) ?? null,
    };
    return new Promise((resolve, reject) => agent.dispatch(request, answerOf(config, resolve, reject)));
  };
}

/**
 * Collects a whole answer, which is small: a stream costs as much as all the rest of a call. An
 * error has a `request` if that was sent, and a `response` with the part of the answer that came.
 */
function answerOf(
  config: InternalAxiosRequestConfig,
  resolve: (answer: AxiosResponse) => void,
  reject: (error: AxiosError) => void,
): Dispatcher.DispatchHandler {
  const raw: RawAnswer = { headers: {}, body: Buffer.alloc(0) };
  const answer = { status: 0, statusText: '', headers: {}, config, data: raw };
  const chunks: Buffer[] = [];
  let sent: Dispatcher.DispatchController | undefined;
  let late: AxiosError | undefined;
  const failed = (message: string, code: string | undefined): AxiosError => {
    raw.body = Buffer.concat(chunks);
    return new AxiosError(message, code, config, sent, answer.status === 0 ? undefined : answer);
  };
  const timer = setTimeout(() => {
    late = failed('no answer came in time', AxiosError.ECONNABORTED);
    sent?.abort(late);
    reject(late);
  }, config.timeout);
  return {
    onRequestStart(controller) {
      // It timed out while it waited for a connection, so it is not sent.
      if (late !== undefined) controller.abort(late);
      else sent = controller;
    },
    onResponseStart(_controller, status, headers) {
      answer.status = status;
      raw.headers = headers;
    },
    onResponseData: (_controller, chunk) => void chunks.push(chunk),
    onResponseEnd() {
      clearTimeout(timer);
      raw.body = Buffer.concat(chunks);
      resolve(answer);
    },
    onResponseError(_controller, error) {
      clearTimeout(timer);
      const { message, code } = error as NodeJS.ErrnoException;
      reject(failed(message, code));
    },
  };
}

/** An agent that uses these proxies, by `CONNECT` for http as well (RFC 9110 section 9.3.6). */
const createProxyAgent = (
  options: Agent.Options,
  { https: httpsProxy, http: httpProxy, none: noProxy }: ProxySettings,
): Dispatcher =>
  new EnvHttpProxyAgent({ ...options, httpsProxy, httpProxy, noProxy, clientFactory: openProxyPool });

/**
 * The connections of undici to a proxy. A tunnel that is not opened is an error that ends the call:
 * undici would ask a proxy that hangs up again at once, without end.
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
