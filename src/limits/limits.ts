import type { PhoneNumber } from '../core/phone-number.js';
import { LoginError, type ErrorCode } from '../core/errors.js';
import type { Cost, Store } from '../store/store.js';

/** Seconds of the windows that things are counted in. */
export const [TEN_MINUTES, HOUR, DAY] = [600, 3600, 86_400] as const;

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
   * Puts what is left to its range into the headers of the answer. What others count in as well (a
   * number, a country) is not shown.
   */
  showQuotas(quotas: readonly Quota[]): void;
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

/** One window of time, and the account that is kept for it in the store. */
export interface Window {
  key: string;
  /** Seconds it lasts. */
  seconds: number;
  /** Seconds from now to its end, at least one. */
  left: number;
}

/**
 * The window of `seconds` that now is in. Windows begin at the same moment everywhere and are named by their place in time, so
 * that a process whose clock is off keeps an account of its own and shortens nobody else's.
 * @param now milliseconds since the epoch
 */
export function windowAt(name: string, seconds: number, now: number): Window {
  const index = Math.floor(now / 1000 / seconds);
  const left = Math.ceil((index + 1) * seconds - now / 1000);
  return { key: `limit:${name}:${index}`, seconds, left };
}

/** A limit was reached. */
export class Limited extends LoginError {
  /** The name of the limit, for the log and the metrics. */
  readonly limit: string;

  constructor(
    code: Extract<ErrorCode, 'rate_limited' | 'unavailable'>,
    detail: string,
    { limit, retryAfter }: { limit: string; retryAfter: number },
  ) {
    super(code, detail, { retry_after: retryAfter });
    this.limit = limit;
  }
}

/** A cost with the name of its rule. */
export interface Rule extends Cost {
  name: string;
}

/** Spends all, or nothing. @returns the first rule that forbids it, if any, and what each entry holds now */
export async function spendBy<R extends Rule>(
  store: Store,
  { key, seconds }: Window,
  rules: readonly R[],
): Promise<{ broken: R | undefined; totals: readonly number[] }> {
  const { spent, totals } = await store.spend(key, rules, seconds);
  const broken = spent ? undefined : rules.find(({ by, limit }, at) => (totals[at] ?? 0) + by > limit);
  return { broken, totals };
}
