import {
  SIM_SWAP_TIMEOUT_MS,
  type SimSwap,
  type SimSwapPolicy,
  type SimSwapSettings,
} from '../config/sim-swap.js';
import { LoginError, type UpstreamTrace } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { Limits, PacedApi } from './limits.js';

/** What a login may do, as far as its SIM is concerned. */
export interface SimDecision {
  simSwap: SimSwap;
  /** `stepUp`: one channel is not enough. */
  answer: 'allow' | 'stepUp' | 'refuse';
}

/**
 * Asks whether the SIM of a login changed lately, unless the login knows it already. An answer that
 * cannot be had within a second is `unknown`, and asked for again later.
 */
export type CheckSim = (
  login: { phoneNumber: PhoneNumber; simSwap?: Exclude<SimSwap, 'unknown'> },
  step: { requestId: string; annotate: (fields: { sim_swap: SimSwap; upstream?: UpstreamTrace }) => void },
) => Promise<SimDecision>;

const ANSWERS = { refuse: 'refuse', step_up: 'stepUp', tell: 'allow' } as const satisfies Record<
  SimSwapPolicy,
  SimDecision['answer']
>;

/** @param deps `ask` whether the SIM changed, by `api`, which is not called during a pause */
export function createSimCheck(deps: {
  settings: SimSwapSettings;
  limits: Pick<Limits, 'ready'>;
  api: PacedApi;
  ask: (phoneNumber: PhoneNumber, requestId: string) => Promise<boolean>;
}): CheckSim {
  const { settings, limits, api, ask } = deps;

  return async ({ phoneNumber, simSwap: known }, { requestId, annotate }) => {
    let simSwap: SimSwap = known ?? 'unknown';
    try {
      if (known === undefined) {
        await limits.ready(api);
        simSwap = (await inTime(ask(phoneNumber, requestId), api)) ? 'swapped' : 'unswapped';
      }
      annotate({ sim_swap: simSwap });
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      annotate({ sim_swap: simSwap, ...(error.upstream && { upstream: error.upstream }) });
    }
    return { simSwap, answer: simSwap === 'unswapped' ? 'allow' : ANSWERS[settings.policies[simSwap]] };
  };
}

/**
 * Several requests may stand behind one answer: metadata, a token, the question.
 * @throws LoginError `upstream_timeout` after a second
 */
async function inTime<T>(answer: Promise<T>, api: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const upstream = { api, error: 'deadline' };
    const error = new LoginError('upstream_timeout', 'No answer came in time.', { upstream });
    timer = setTimeout(reject, SIM_SWAP_TIMEOUT_MS, error);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
