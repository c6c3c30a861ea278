import type { UpstreamTrace } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { isAllowedLink } from '../config/vonage.js';
import { forbiddenLink, refusal, trace } from './errors.js';
import { Unanswered, type Answer, type Transport } from '../http/transport.js';
import { EnablementAnswer, VERIFY_SCOPE } from './wire.js';

const API = 'network-enablement';

/** The timeout of the call, its repetition included. */
const TIMEOUT_MS = 3000;

/**
 * Statuses of a gateway that did not reach the API. The call is repeated once, with another state.
 */
const REPEATABLE = new Set([502, 503, 504]);

export interface Enablement {
  /** The link for the device; `undefined` if the number cannot be authenticated silently. */
  authUrl: string | undefined;
  /** Why there is no link. */
  upstream?: UpstreamTrace;
  /** The state of the last call. */
  state: string;
}

/**
 * Asks Network Enablement for the link of `phoneNumber`.
 * @param newState makes a state for each call: a state must be unique for each request (Vonage,
 * Client Authentication guide, step 2)
 * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
 */
export function createNetworkEnablement(deps: {
  transport: Transport;
  apiHost: string;
  authUrlHosts: readonly string[];
}) {
  const url = `${deps.apiHost}/v0.1/network-enablement`;
  return async (
    phoneNumber: PhoneNumber,
    newState: () => Promise<string>,
    requestId: string,
  ): Promise<Enablement> => {
    const startedAt = performance.now();
    const send = (state: string, timeoutMs: number) => {
      const body = { phone_number: phoneNumber, scopes: [VERIFY_SCOPE], state };
      return deps.transport({ api: API, method: 'POST', url, body, timeoutMs, requestId });
    };
    let state = await newState();
    let answer = await send(state, TIMEOUT_MS).catch(keepUnsent);
    if (answer instanceof Unanswered || REPEATABLE.has(answer.status)) {
      state = await newState();
      answer = await send(state, Math.max(1, Math.round(TIMEOUT_MS - (performance.now() - startedAt))));
    }
    return { ...readLink(answer, deps.authUrlHosts), state };
  };
}

/** Returns the error of a request that was not sent, so that it is repeated. Rethrows any other. */
function keepUnsent(error: unknown): Unanswered {
  if (error instanceof Unanswered && !error.sent) return error;
  throw error;
}

/**
 * Each scope of an answer has a link or an error of its own (Network Enablement reference). 207 is
 * in no document of Vonage, but is meant for such answers (RFC 4918 section 11.1).
 */
function readLink(answer: Answer, hosts: readonly string[]): Omit<Enablement, 'state'> {
  const body =
    answer.status === 200 || answer.status === 207 ? EnablementAnswer.safeParse(answer.json) : undefined;
  if (!body?.success) throw refusal(API, answer);
  const scope = body.data.scopes[VERIFY_SCOPE];
  if ('error' in scope) return { authUrl: undefined, upstream: trace(API, { ...answer, json: scope.error }) };
  if (!isAllowedLink(scope.auth_url, hosts)) throw forbiddenLink(API);
  return { authUrl: scope.auth_url };
}
