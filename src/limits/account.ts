import { LoginError, type ErrorCode } from '../errors.js';
import type { Cost, Store } from '../store/store.js';

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

/** Something that was refused because it was done too often, by the one who asks or by all together. */
export class Limited extends LoginError {
  /** @param limit its name, for the log and those who count */
  constructor(
    readonly limit: string,
    code: Extract<ErrorCode, 'rate_limited' | 'unavailable'>,
    detail: string,
    retryAfter: number,
  ) {
    super(code, detail, { retry_after: retryAfter });
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
