import type { LimitSettings } from './rates.js';

/**
 * Turns a second that a part of the account of logins has at least. In ten minutes so many logins leave 300,000 entries, which
 * Redis forgets in a twentieth of a second.
 */
const LEAST_SHARE = 250;

/** Each part is told of a pause by itself. */
const MOST_PARTS = 256;

/**
 * How many parts the account of logins has, each a key of its own, so that no node of a cluster has to count every login. All
 * processes find the same number from the same settings. No part has fewer turns than two address ranges may take at once.
 */
export function partsOf({ upstreamPerSecond, rates }: LimitSettings): number {
  const share = Math.max(LEAST_SHARE, 2 * rates['login-range-second']);
  return Math.min(MOST_PARTS, Math.max(1, Math.floor(upstreamPerSecond / share)));
}

/** The turns of one part: together they have exactly `perSecond`. */
export const shareOf = (perSecond: number, part: number, parts: number): number =>
  Math.floor((perSecond + part) / parts);
