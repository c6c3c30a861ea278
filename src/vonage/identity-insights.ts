import { SIM_SWAP_TIMEOUT_MS } from '../config/limits.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { Transport } from '../http/transport.js';
import { refusal } from './errors.js';
import { InsightsAnswer } from './wire.js';

const API = 'identity-insights';

/**
 * Asks whether the SIM of this number changed lately.
 * @throws LoginError if it cannot be known, whatever the reason
 */
export type AskSimSwap = (phoneNumber: PhoneNumber, requestId: string) => Promise<boolean>;

/** The codes of an insight whose fields can be relied on. */
const KNOWN = new Set(['OK', 'PARTIAL_SUCCESS']);

/**
 * The insight `sim_swap` of Vonage Identity Insights (`POST /identity-insights/v1/requests`).
 * @param hours how far back a swap counts, 1 to 2400
 */
export function createIdentityInsights(
  deps: { transport: Transport; apiHost: string },
  hours: number,
): AskSimSwap {
  const url = `${deps.apiHost}/identity-insights/v1/requests`;
  return async (phoneNumber, requestId) => {
    const body = {
      phone_number: phoneNumber,
      purpose: 'FraudPreventionAndDetection',
      insights: { sim_swap: { period: hours } },
    };
    const call = { api: API, method: 'POST', url, body, timeoutMs: SIM_SWAP_TIMEOUT_MS, requestId } as const;
    const answer = await deps.transport(call);
    const insights = answer.status === 200 ? InsightsAnswer.safeParse(answer.json) : undefined;
    if (!insights?.success) throw refusal(API, answer);
    const { is_swapped: isSwapped, status } = insights.data.insights.sim_swap;
    // A swap counts under any status: an example of the guides has one beside NO_COVERAGE.
    if (isSwapped === true) return true;
    const code = status?.code ?? '';
    if (isSwapped === false && KNOWN.has(code)) return false;
    const error = /^[A-Z_]{1,40}$/.test(code) ? code : 'unknown';
    const upstream = { api: API, status: answer.status, error };
    throw new LoginError('upstream_error', 'Vonage does not know when this SIM changed.', { upstream });
  };
}
