import type { LoopTime, World } from '../world.js';

/** Milliseconds of one measurement. */
const WINDOW_MS = 250;

/** Milliseconds of the event loop that a request takes at a time, about. */
const REQUEST_MS = 2;

/** The loop's delay, in multiples of the tolerated one, at which no new login is taken at all. */
const NONE_TAKEN_AT = 3;

/** The part of the loop's active time for which this process must have had a processor. */
const OWN_SHARE = 0.5;

/** How late this process is by its own work, and the share of new logins that it refuses for that. */
export interface Load {
  /** Measures if a window is over; to be called at every request. @returns whether it measured */
  measure: () => boolean;
  /** Whether the next login belongs to the refused share. */
  refusesNext: () => boolean;
  /** Whether the loop is late, so that clients may have given up meanwhile. */
  isLate: () => boolean;
}

/**
 * A share of new logins is refused while, over a window, both of these hold:
 *
 * - The event loop was active for more than `maxUtilization` percent of the time, and had a
 *   processor for most of that: a process that others keep from running is late, but not busy.
 * - Its delay was above the tolerated one. At a utilization of ρ, ρ/(1-ρ) requests are in the queue
 *   on average (M/M/1), each of which delays those behind it. So 90 percent tolerate a delay of
 *   18 ms, 50 percent 2 ms, and 100 percent any.
 *
 * The share grows with the delay, from none to all. With a single threshold, a server would switch
 * to and fro between taking all and none.
 *
 * The requests that follow on a login are never refused, and need no forecast: they add to the delay
 * as they come, and the more there are of them the fewer new logins are taken.
 * @param maxUtilization percent, 1 to 100
 */
export function createLoad(world: Pick<World, 'loopTime' | 'loopDelay'>, maxUtilization: number): Load {
  const toleratedMs = (REQUEST_MS * maxUtilization) / (100 - maxUtilization);
  let from = world.loopTime();
  let refusedShare = 0;
  /** Adds up the share with each login: one is refused whenever this makes a whole. */
  let due = 0;

  const shareFor = ({ active, idle, cpu }: LoopTime, delayMs: number): number => {
    const utilization = (active / (active + idle)) * 100;
    if (utilization <= maxUtilization || cpu < active * OWN_SHARE) return 0;
    const share = (delayMs / toleratedMs - 1) / (NONE_TAKEN_AT - 1);
    return Math.min(1, Math.max(0, share));
  };

  return {
    measure() {
      const now = world.loopTime();
      const { active, idle, cpu } = now;
      const spent = { active: active - from.active, idle: idle - from.idle, cpu: cpu - from.cpu };
      if (spent.active + spent.idle < WINDOW_MS) return false;
      refusedShare = shareFor(spent, world.loopDelay());
      from = now;
      return true;
    },
    refusesNext() {
      due += refusedShare;
      if (due < 1) return false;
      due -= 1;
      return true;
    },
    isLate: () => refusedShare > 0,
  };
}
