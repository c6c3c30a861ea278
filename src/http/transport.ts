import { Axios, AxiosError, isAxiosError } from 'axios';
import { LoginError } from '../core/errors.js';
import type { ProxySettings } from '../config/vonage.js';
import { MAX_PAUSE_SECONDS } from '../limits/pace.js';
import { hasDoubledNames } from './json.js';
import { createUndiciAdapter, type RawAnswer } from './undici-adapter.js';
import type { World } from '../core/world.js';

export interface Call {
  /** Which API this is, for the log. */
  api: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  /** A token for `Authorization`. */
  bearer?: string;
  /** Further headers. They may hold secrets: never log them. */
  headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON, URLSearchParams as a form. */
  body?: object | URLSearchParams;
  /** From opening the connection to the last byte of the answer. */
  timeoutMs: number;
  /** Sent as `x-correlator`, so that the operator's log can be matched with ours. */
  requestId: string;
}

export interface Answer {
  status: number;
  /** The parsed body; `undefined` when there was none, or it was not JSON. */
  json: unknown;
  /** The bytes of the body, for an answer that cannot be parsed. */
  body?: Buffer;
  /** Seconds, from `Retry-After`: 1 to `MAX_PAUSE_SECONDS`. */
  retryAfter?: number;
}

/**
 * Sends one request to Vonage or an operator. Any status is an answer.
 * @throws Unanswered if no whole answer came
 */
export type Transport = (call: Call) => Promise<Answer>;

/** No whole answer came. */
export class Unanswered extends LoginError {
  /** If false, no byte of the request was sent, so it had no effect. */
  readonly sent: boolean;
  /** The part of the answer that came before the connection broke. */
  readonly answer: Pick<Answer, 'status' | 'body'> | undefined;

  constructor(
    api: string,
    end: { sent: boolean; timedOut?: boolean; cause: string; answer?: Unanswered['answer'] },
  ) {
    const { sent, timedOut = false, cause, answer } = end;
    const detail = timedOut ? 'No answer came in time.' : 'The connection failed.';
    super(timedOut ? 'upstream_timeout' : 'upstream_error', detail, { upstream: { api, error: cause } });
    this.sent = sent;
    this.answer = answer;
  }
}

export interface TransportDeps {
  world: World;
  proxy?: ProxySettings | undefined;
  /** Called when an API asks for a pause of so many seconds. Its failures are ignored. */
  pause: (api: string, seconds: number) => Promise<void>;
}

/** The transport of a server: it records each call, and notes the pauses that APIs ask for. */
export const openTransport = ({ world, proxy, pause }: TransportDeps): Transport =>
  observed(pausing(createTransport(proxy), pause), world);

/** More than any answer of these APIs. A longer answer is cut off and counts as none. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends all requests to Vonage and operators. Redirects are not followed: a followed 307 would post
 * an authorization code to another host. A body is read as JSON only if its media type says so, it
 * is uncompressed, valid UTF-8, and names no field twice. Nothing is retried: the caller knows what
 * a second try costs.
 */
export function createTransport(proxy?: ProxySettings): Transport {
  // Without the defaults of axios, which would be merged into each request at half of its cost.
  const http = new Axios({});
  const adapterFor = createUndiciAdapter(MAX_ANSWER_BYTES, proxy);

  return async ({ api, method, url, bearer, headers, body, timeoutMs, requestId }) => {
    try {
      const response = await http.request<RawAnswer>({
        method,
        url,
        data: body instanceof URLSearchParams ? body.toString() : body && JSON.stringify(body),
        timeout: timeoutMs,
        adapter: adapterFor({
          ...headers,
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          'x-correlator': requestId,
          ...(body && { 'content-type': body instanceof URLSearchParams ? FORM : 'application/json' }),
        }),
      });
      const retryAfter = retryAfterOf(response.data);
      return {
        status: response.status,
        json: readJson(response.data),
        body: response.data.body,
        ...(retryAfter > 0 && { retryAfter: Math.min(retryAfter, MAX_PAUSE_SECONDS) }),
      };
    } catch (error) {
      throw unanswered(api, error);
    }
  };
}

/**
 * Seconds, from a number or a date (RFC 9110 section 10.2.3). A date is compared with that of the
 * answer, because the clocks of Vonage and of this server may differ.
 * @returns NaN if it says neither
 */
function retryAfterOf({ headers }: RawAnswer): number {
  const text = String(headers['retry-after']);
  if (!text.endsWith(' GMT')) return Number.parseInt(text, 10);
  return Math.ceil((Date.parse(text) - Date.parse(String(headers['date']))) / 1000);
}

/**
 * The error of axios holds the whole request, so only its code and the answer are taken from it.
 */
function unanswered(api: string, error: unknown): Unanswered {
  if (!isAxiosError<RawAnswer>(error)) return new Unanswered(api, { sent: true, cause: 'unknown' });
  const { code = 'unknown', response } = error;
  const timedOut = code === AxiosError.ECONNABORTED;
  const sent = timedOut || (error.request as unknown) !== undefined;
  const answer = response && { status: response.status, body: response.data.body };
  return new Unanswered(api, { sent, timedOut, cause: timedOut ? 'deadline' : code, answer });
}

/** Statuses whose `Retry-After` asks for a pause (RFC 9110 section 10.2.3, RFC 6585 section 4). */
const ASKS_FOR_PAUSE = new Set([429, 503]);

const pausing =
  (transport: Transport, pause: TransportDeps['pause']): Transport =>
  async (call) => {
    const answer = await transport(call);
    if (ASKS_FOR_PAUSE.has(answer.status) && answer.retryAfter !== undefined) {
      await pause(call.api, answer.retryAfter).catch(() => undefined);
    }
    return answer;
  };

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;|$)/i;
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function readJson({ headers, body }: RawAnswer): unknown {
  const encoded = headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity';
  if (encoded || !JSON_TYPE.test(String(headers['content-type']))) return undefined;
  try {
    const text = UTF_8.decode(body);
    const json: unknown = JSON.parse(text);
    return hasDoubledNames(text, json) ? undefined : json;
  } catch {
    return undefined;
  }
}

/** Records each call, its outcome and its duration in metrics and traces. */
const observed =
  (transport: Transport, { meter, span }: Pick<World, 'meter' | 'span'>): Transport =>
  (call) =>
    span(`${call.method} ${call.api}`, 'client', async (annotate) => {
      const startedAt = performance.now();
      const end = (status: string) => meter.called(call.api, status, performance.now() - startedAt);
      annotate({ 'http.request.method': call.method, 'vonage.api': call.api });
      try {
        const answer = await transport(call);
        const { status } = answer;
        const isFailure = status >= 400 && { 'error.type': `${status}` };
        annotate({ 'http.response.status_code': status, ...isFailure });
        end(classOf(status));
        return answer;
      } catch (error) {
        const status =
          error instanceof Unanswered && error.code === 'upstream_timeout' ? 'timeout' : 'connection';
        annotate({ 'error.type': status });
        end(status);
        throw error;
      }
    });

/** 429 is counted by itself, since it calls for another reaction than an error. */
const classOf = (status: number): string => (status === 429 ? '429' : `${Math.floor(status / 100)}xx`);
