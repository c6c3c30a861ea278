import { Axios, AxiosError, isAxiosError } from 'axios';
import { LoginError } from '../core/errors.js';
import { hasDoubledNames } from '../core/json.js';
import type { ProxySettings } from '../config/vonage.js';
import { createCarrier, type Carried } from './undici-adapter.js';
import type { World } from '../core/world.js';

export interface Call {
  /** Which API this is, for the log. */
  api: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  bearer: string;
  /** An object goes as JSON, URLSearchParams as a form. */
  body?: object | URLSearchParams;
  /** Milliseconds from the first byte of the connection to the last byte of the answer. */
  deadlineMs: number;
  /** Goes along as `x-correlator`, so that the operator's log can be matched with ours. */
  correlator: string;
}

export interface Answer {
  status: number;
  /** The parsed body; `undefined` when there was none, or it was not JSON. */
  json: unknown;
  /** The bytes of the body, for what has to be made out of one that cannot be read. */
  body?: Buffer;
  /** Seconds, from `Retry-After`. */
  retryAfter?: number;
}

/** Sends one request to Vonage. Throws {@link Unanswered} where no whole answer came; any status is an answer. */
export type Transport = (call: Call) => Promise<Answer>;

/**
 * No whole answer came. `sent: false` means that not a byte of the request was sent, so nothing can
 * have happened there. `answer` is what came of it before it broke off.
 */
export class Unanswered extends LoginError {
  constructor(
    api: string,
    readonly sent: boolean,
    timedOut: boolean,
    cause: string,
    readonly answer?: Pick<Answer, 'status' | 'body'>,
  ) {
    const detail = timedOut ? 'No answer came in time.' : 'The connection failed.';
    super(timedOut ? 'upstream_timeout' : 'upstream_error', detail, {}, { api, error: cause });
  }
}

/** More than any answer of these APIs; an answer beyond it is cut off and counts as none. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * The only way out of the house. Redirects are answers, never followed: a followed 307 would post an authorization code
 * to a stranger. Bodies are taken as they are, uncompressed and of bounded size, and read as JSON only when they say they
 * are, in whole UTF-8, and name nothing twice. Nothing is retried here; who calls knows what a second try would cost.
 */
export function createTransport(proxy?: ProxySettings): Transport {
  // An instance without the defaults of axios, which each request would be merged with, at half of its cost.
  const http = new Axios({});
  const carry = createCarrier(MAX_ANSWER_BYTES, proxy);

  return async ({ api, method, url, bearer, body, deadlineMs, correlator }) => {
    try {
      const response = await http.request<Carried>({
        method,
        url,
        data: body instanceof URLSearchParams ? body.toString() : body && JSON.stringify(body),
        timeout: deadlineMs,
        adapter: carry({
          authorization: `Bearer ${bearer}`,
          'x-correlator': correlator,
          ...(body && { 'content-type': body instanceof URLSearchParams ? FORM : 'application/json' }),
        }),
      });
      const retryAfter = Number.parseInt(String(response.data.headers['retry-after']), 10);
      return {
        status: response.status,
        json: readJson(response.data),
        body: response.data.body,
        ...(retryAfter > 0 && { retryAfter }),
      };
    } catch (error) {
      throw unanswered(api, error);
    }
  };
}

/**
 * The error of axios carries the whole request: only its code goes on, and what came of the answer.
 */
function unanswered(api: string, error: unknown): Unanswered {
  if (!isAxiosError<Carried>(error)) return new Unanswered(api, true, false, 'unknown');
  const { code = 'unknown', response } = error;
  const late = code === AxiosError.ECONNABORTED;
  const sent = late || (error.request as unknown) !== undefined;
  const answer = response && { status: response.status, body: response.data.body };
  return new Unanswered(api, sent, late, late ? 'deadline' : code, answer);
}

/** Answers that may ask to be left alone for a while (RFC 9110 section 10.2.3, RFC 6585 section 4). */
const ASKS_TO_WAIT = new Set([429, 503]);

/** Tells `slowDown` when an API asks to be left alone, before the answer goes on; what that fails at is not the caller's. */
export const heeding =
  (transport: Transport, slowDown: (api: string, seconds: number) => Promise<void>): Transport =>
  async (call) => {
    const answer = await transport(call);
    if (ASKS_TO_WAIT.has(answer.status) && answer.retryAfter !== undefined) {
      await slowDown(call.api, answer.retryAfter).catch(() => undefined);
    }
    return answer;
  };

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;|$)/i;
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function readJson({ headers, body }: Carried): unknown {
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

/** Tells of every call how it was answered and how long it took, to whoever counts and traces. */
export const watched =
  (transport: Transport, { meter, span }: Pick<World, 'meter' | 'span'>): Transport =>
  (call) =>
    span(`${call.method} ${call.api}`, 'client', async (tell) => {
      const startedAt = performance.now();
      const end = (status: string) => meter.called(call.api, status, performance.now() - startedAt);
      tell({ 'http.request.method': call.method, 'vonage.api': call.api });
      try {
        const answer = await transport(call);
        const { status } = answer;
        const isFailure = status >= 400 && { 'error.type': `${status}` };
        tell({ 'http.response.status_code': status, ...isFailure });
        end(classOf(status));
        return answer;
      } catch (error) {
        const status =
          error instanceof Unanswered && error.code === 'upstream_timeout' ? 'timeout' : 'connection';
        tell({ 'error.type': status });
        end(status);
        throw error;
      }
    });

/** 429 stands by itself: what there is to do about it is another matter than about an error. */
const classOf = (status: number): string => (status === 429 ? '429' : `${Math.floor(status / 100)}xx`);
