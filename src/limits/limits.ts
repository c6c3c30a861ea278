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

/**
 * The client that sent a request, as limits see it. Its addresses are stored under names that only
 * `SESSION_SECRET` explains.
 */
export interface Caller {
  /** Its own address. IPv6 gives a device a whole /64. */
  address: string;
  /** The widest range it is counted in, in CIDR: a /24 of IPv4, a /48 of IPv6. */
  range: string;
  /**
   * Narrower ranges it is counted in as well, and the share of what the widest may do that each may
   * use up.
   */
  within: readonly { range: string; share: number }[];
  /**
   * Takes what is left to its range. What counts for others as well (a number, a country) is told
   * to nobody.
   */
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
  /** Takes one more turn for a call that is made again, out of those of the caller's range. */
  turn(caller: Caller, api: PacedApi | undefined): Promise<void>;
  /** Counts messages that cost money. */
  send(caller: Caller, phoneNumber: PhoneNumber, messages: number): Promise<void>;
  /**
   * Gives a number that was just verified its messages of this hour back, and the caller's range
   * those it asked for. What counts by day, prefix, country and in all stays, so that nobody gets
   * messages without end by verifying. Never fails.
   */
  verified(caller: Caller, phoneNumber: PhoneNumber): Promise<void>;
  /** Resolves unless Vonage asked us to leave this API alone. */
  ready(api: PacedApi): Promise<void>;
}
