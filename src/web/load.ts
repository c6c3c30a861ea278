import type { LoopTime, World } from '../world.js';

/** Milliseconds of one measurement. */
const WINDOW_MS = 250;

/** The part of the loop's active time for which this process must have had a processor. */
const OWN_SHARE = 0.5;

/**
 * How busy this process is by its own work, and the share of new logins that it refuses for that.
 */
export interface Load {
  /** Measures if a window is over; to be called at every request. @returns whether it measured */
  measure: () => boolean;
  /** Whether the next login belongs to the refused share. */
  refusesNext: () => boolean;
  /** Whether there is more to do than time for it, so that clients may have given up meanwhile. */
  isBusy: () => boolean;
}

/**
 * A share of new logins is refused if, in the last window, the event loop was active for more than
 * `maxUtilization` percent of the time, and had a processor for most of that: a process that others
 * keep from running is late, but not busy.
 *
 * The share grows from none at `maxUtilization` to all at 100 percent, where requests wait, and
 * nothing tells how many. It grows with the third power, because a process with much to do does
 * more at a time: most of what it can do lies in the last few percent. A single threshold would
 * switch to and fro between taking all and none.
 *
 * The requests that follow on a login are never refused, and need no forecast: as they come they
 * fill the time of the loop, and so leave less of it for new logins.
 *
 * The delay of the loop (`monitorEventLoopDelay`) says nothing here: Node accepts one connection
 * in each turn of the loop, so turns stay short while connections wait in the system for seconds.
 * @param maxUtilization percent, 1 to 100
 */
export function createLoad({ loopTime }: Pick<World, 'loopTime'>, maxUtilization: number): Load {
  /** Absent until the first request: what a process does to start is no load. */
  let from: LoopTime | undefined;
  let refusedShare = 0;
  /** Adds up the share with each login: one is refused whenever this makes a whole. */
  let due = 0;

  return {
    measure() {
      const now = loopTime();
      const spent = between((from ??= now), now);
      if (spent.active + spent.idle < WINDOW_MS) return false;
      refusedShare = shareFor(spent, maxUtilization);
      from = now;
      return true;
    },
    refusesNext() {
      due += refusedShare;
      if (due < 1) return false;
      due -= 1;
      return true;
    },
    isBusy: () => refusedShare > 0,
  };
}

const between = (from: LoopTime, to: LoopTime): LoopTime => ({
  active: to.active - from.active,
  idle: to.idle - from.idle,
  cpu: to.cpu - from.cpu,
});

function shareFor({ active, idle, cpu }: LoopTime, maxUtilization: number): number {
  const utilization = (active / (active + idle)) * 100;
  if (utilization <= maxUtilization || cpu < active * OWN_SHARE) return 0;
  return ((utilization - maxUtilization) / (100 - maxUtilization)) ** 3;
}
