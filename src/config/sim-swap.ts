import type { Reader } from './reader.js';

/** Whether the SIM of a number changed lately; `unknown` if no API could say. */
export const SIM_SWAPS = ['swapped', 'unswapped', 'unknown'] as const;
export type SimSwap = (typeof SIM_SWAPS)[number];

export interface KnownSim {
  simSwap: Exclude<SimSwap, 'unknown'>;
  /** When it was asked (ms since the epoch). */
  at: number;
}

/**
 * `refuse`: no message is sent, and no session is given. `step_up`: one channel is not enough.
 * `tell`: the login goes on, and the hook and the assertion have the answer.
 */
const POLICIES = ['refuse', 'step_up', 'tell'] as const;
export type SimSwapPolicy = (typeof POLICIES)[number];

export interface SimSwapSettings {
  /** How many hours back a swap counts. */
  hours: number;
  /** What follows, by what is known of the SIM. */
  policies: Record<Exclude<SimSwap, 'unswapped'>, SimSwapPolicy>;
}

/**
 * How long an answer may take, because the user waits for it. A later answer counts as unknown.
 */
export const SIM_SWAP_TIMEOUT_MS = 1000;

/** @returns undefined if nothing is asked about SIMs */
export function readSimSwap(reader: Reader): SimSwapSettings | undefined {
  const { get, fail, oneOf } = reader;
  const swapped = oneOf('SIM_SWAP_POLICY', POLICIES, 'refuse');
  const unknown = oneOf('SIM_SWAP_UNKNOWN', POLICIES, swapped);
  if (get('SIM_SWAP_HOURS') === undefined) {
    if (swapped !== 'refuse' || unknown !== 'refuse')
      fail('SIM_SWAP_POLICY and SIM_SWAP_UNKNOWN have no effect without SIM_SWAP_HOURS: set it as well.');
    return undefined;
  }
  // The range of Identity Insights and of CAMARA SIM Swap.
  const hours = reader.whole('SIM_SWAP_HOURS', { fallback: 72, least: 1, most: 2400 });
  return { hours, policies: { swapped, unknown } };
}
