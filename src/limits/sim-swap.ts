import {
  SIM_SWAP_TIMEOUT_MS,
  type KnownSim,
  type SimSwap,
  type SimSwapPolicy,
  type SimSwapSettings,
} from '../config/limits.js';
import { inTime, LoginError, type UpstreamTrace } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import type { Limits } from './counters.js';
import type { PacedApi } from './limits.js';

/** What the policies for changed SIMs decide about a login. */
export interface SimDecision {
  simSwap: SimSwap;
  /** The answer to store in the login; absent if `simSwap` is `unknown`. */
  knownSim?: KnownSim;
  /** `stepUp`: one channel is not enough. */
  answer: 'allow' | 'stepUp' | 'refuse';
}

/**
 * How long a login relies on an answer: as long as a typed code may be valid. A session can keep a
 * login for hours, in which the SIM may change.
 */
const ANSWER_TTL_MS = 900_000;

/**
 * Asks whether the SIM of a login changed lately, unless the login has a recent answer. Without an
 * answer within a second, the result is `unknown`, and the next check asks again.
 */
export type CheckSim = (
  login: { phoneNumber: PhoneNumber; knownSim?: KnownSim },
  step: { requestId: string; annotate: (fields: { sim_swap: SimSwap; upstream?: UpstreamTrace }) => void },
) => Promise<SimDecision>;

const ANSWERS = { refuse: 'refuse', step_up: 'stepUp', tell: 'allow' } as const satisfies Record<
  SimSwapPolicy,
  SimDecision['answer']
>;

/** @param deps `ask` calls `apis`, except during a pause of one of them */
export function createSimCheck(deps: {
  settings: SimSwapSettings;
  limits: Pick<Limits, 'ready'>;
  apis: readonly [PacedApi, ...PacedApi[]];
  ask: (phoneNumber: PhoneNumber, requestId: string) => Promise<boolean>;
  world: Pick<World, 'now'>;
}): CheckSim {
  const { settings, limits, apis, ask, world } = deps;

  const learn = async (phoneNumber: PhoneNumber, requestId: string): Promise<KnownSim> => {
    await limits.ready(...apis);
    const at = world.now();
    const timing = { api: apis[0], timeoutMs: SIM_SWAP_TIMEOUT_MS };
    const isSwapped = await inTime(ask(phoneNumber, requestId), timing);
    return { simSwap: isSwapped ? 'swapped' : 'unswapped', at };
  };

  const isValid = ({ simSwap, at }: KnownSim): boolean =>
    simSwap === 'swapped' || world.now() < at + ANSWER_TTL_MS;

  return async ({ phoneNumber, knownSim: before }, { requestId, annotate }) => {
    let knownSim = before && isValid(before) ? before : undefined;
    let upstream: UpstreamTrace | undefined;
    try {
      knownSim ??= await learn(phoneNumber, requestId);
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      ({ upstream } = error);
    }
    const simSwap = knownSim?.simSwap ?? 'unknown';
    annotate({ sim_swap: simSwap, ...(upstream && { upstream }) });
    const answer = simSwap === 'unswapped' ? 'allow' : ANSWERS[settings.policies[simSwap]];
    return { simSwap, answer, ...(knownSim && { knownSim }) };
  };
}
