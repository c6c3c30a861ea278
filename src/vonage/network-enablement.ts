import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { isAllowedLink } from '../config/vonage.js';
import { refusal } from './errors.js';
import { Unanswered, type Answer, type Transport } from './transport.js';
import { EnablementAnswer, VERIFY_SCOPE } from './wire.js';

const API = 'network-enablement';

/** Milliseconds for the call, and for its one repetition with it. */
const DEADLINE = 3000;

/** Answers of a gateway whose request did not get through: with a fresh state it may be tried once more. */
const PASSING = new Set([502, 503, 504]);

export interface Enablement {
  /** Where the device has to go, over cellular; `undefined` where silence is impossible for this number. */
  authUrl: string | undefined;
  /** The state that went along, the one of the last try. */
  state: string;
}

/**
 * Asks Network Enablement whether `phoneNumber` can be verified silently.
 * @param newState a state not used before; asked again for a second try, since each must be unique for each request
 * (Vonage, Client Authentication guide, step 2)
 * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
 */
export type EnableNumber = (
  phoneNumber: PhoneNumber,
  newState: () => Promise<string>,
  correlator: string,
) => Promise<Enablement>;

export function createNetworkEnablement(deps: {
  transport: Transport;
  appToken: () => Promise<string>;
  apiHost: string;
  authUrlHosts: readonly string[];
}): EnableNumber {
  const ask = async (phoneNumber: PhoneNumber, state: string, deadlineMs: number, correlator: string) =>
    deps.transport({
      api: API,
      method: 'POST',
      url: `${deps.apiHost}/v0.1/network-enablement`,
      bearer: await deps.appToken(),
      body: { phone_number: phoneNumber, scopes: [VERIFY_SCOPE], state },
      deadlineMs,
      correlator,
    });

  return async (phoneNumber, newState, correlator) => {
    const startedAt = performance.now();
    let state = await newState();
    let answer = await ask(phoneNumber, state, DEADLINE, correlator).catch(notSent);
    if (answer instanceof Unanswered || PASSING.has(answer.status)) {
      state = await newState();
      const left = Math.max(1, Math.round(DEADLINE - (performance.now() - startedAt)));
      answer = await ask(phoneNumber, state, left, correlator);
    }
    return { authUrl: readAuthUrl(answer, deps.authUrlHosts), state };
  };
}

/** Keeps the error of a request that never left, for a second try; any other is final. */
function notSent(error: unknown): Unanswered {
  if (error instanceof Unanswered && !error.sent) return error;
  throw error;
}

/** A 200 may still refuse: each scope carries a link or an error of its own (Network Enablement reference). */
function readAuthUrl(answer: Answer, hosts: readonly string[]): string | undefined {
  const body = answer.status === 200 ? EnablementAnswer.safeParse(answer.json) : undefined;
  if (!body?.success) throw refusal(API, answer);
  const scope = body.data.scopes[VERIFY_SCOPE];
  if ('error' in scope) return undefined;
  if (!isAllowedLink(scope.auth_url, hosts)) {
    throw new LoginError('upstream_error', 'Vonage named a link that may not be opened.', {}, { api: API });
  }
  return scope.auth_url;
}
