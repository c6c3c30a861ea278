import type { PhoneNumber } from '../phone.js';

/** How far the one who asks has used up a limit. */
export interface Quota {
  name: string;
  /** How often in how many seconds. */
  limit: number;
  seconds: number;
  /** How often still, and for how many seconds that stands. */
  remaining: number;
  left: number;
}

/** The one who asks, as far as limits see him. */
export interface Caller {
  /** His address range; it is stored under a name that only `SESSION_SECRET` explains. */
  range: string;
  /** Takes what is left to him. What counts for others as well (a number, a country) is told to nobody. */
  told(quotas: readonly Quota[]): void;
}

/** The APIs of Vonage that are not called while they asked us to wait: those that begin something. */
export type PacedApi = 'network-enablement' | 'verify';
export const PACED: ReadonlySet<string> = new Set<PacedApi>(['network-enablement', 'verify']);

/**
 * How often what may be done. Each is counted before anything is sent or spent, in one step, and what is refused counts for
 * nothing; so whoever is refused is not kept out longer by trying again.
 *
 * Each throws {@link Limited} with the seconds to wait.
 */
export interface Limits {
  /** Counts a login, and takes its turn in calling `api`, for which it waits a moment where that is enough. */
  login(caller: Caller, phoneNumber: PhoneNumber, api: PacedApi | undefined): Promise<void>;
  /** Takes one more turn, for a call that is made again. */
  turn(api: PacedApi | undefined): Promise<void>;
  /** Counts messages that cost money. */
  send(caller: Caller, phoneNumber: PhoneNumber, messages: number): Promise<void>;
  /** Resolves unless Vonage asked us to leave this API alone. */
  ready(api: PacedApi): Promise<void>;
}
