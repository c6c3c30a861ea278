import { LoginError, type ErrorCode } from '../core/errors.js';
import type { Cost, Store } from '../store/store.js';

/** The windows in which logins and messages are counted. */
export const [LOGINS_SECONDS, HOUR_SECONDS, DAY_SECONDS] = [600, 3600, 86_400] as const;

/** How far the client has used up a limit. */
export interface Quota {
  name: string;
  /** The maximum in a window of so many seconds. */
  limit: number;
  seconds: number;
  /** What remains of it, and the seconds to the end of the window. */
  remaining: number;
  left: number;
}

/** The client of a request. Its addresses are stored as hashes keyed by `SESSION_SECRET`. */
export interface Caller {
  /** Its own address: with IPv6 a /64, because a device has all of it. */
  address: string;
  /** The widest range it is counted in, in CIDR: a /24 of IPv4, a /48 of IPv6. */
  range: string;
  /** Narrower ranges it is counted in as well, each with its share of the limit of the widest. */
  within: readonly { range: string; share: number }[];
  /** Adds its range's quotas to the headers of the answer, but not shared ones (a country). */
  showQuotas(quotas: readonly Quota[]): void;
}

/** The APIs that begin something: none is called during a pause that it asked for. */
const PACED_APIS = ['network-enablement', 'verify', 'camara', 'identity-insights', 'sim-swap'] as const;
export type PacedApi = (typeof PACED_APIS)[number];
export const PACED: ReadonlySet<string> = new Set(PACED_APIS);

/** A window of time, and the key of its account in the store. */
export interface Window {
  key: string;
  /** The length of the window. */
  seconds: number;
  /** Seconds to its end, at least one. */
  left: number;
}

/**
 * The window that contains `now` (milliseconds since the epoch). Its number is part of the key: a
 * process with a wrong clock counts in another account, and does not shorten this one.
 */
export function windowAt(name: string, seconds: number, now: number): Window {
  const index = Math.floor(now / 1000 / seconds);
  const left = Math.ceil((index + 1) * seconds - now / 1000);
  return { key: `limit:${name}:${index}`, seconds, left };
}

/** A limit was reached. */
export class Limited extends LoginError {
  /** Its name in the log and the metrics. */
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

/**
 * Spends all costs or none.
 * @returns the first rule that refuses, if any, and what each entry holds
 */
export async function spendBy<R extends Rule>(
  store: Store,
  { key, seconds }: Window,
  rules: readonly R[],
): Promise<{ broken: R | undefined; totals: readonly number[] }> {
  const { spent, totals } = await store.spend(key, rules, seconds);
  const broken = spent ? undefined : rules.find(({ by, limit }, at) => (totals[at] ?? 0) + by > limit);
  return { broken, totals };
}
