import type { LoopTime, World } from '../core/world.js';
import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { LoginError } from '../core/errors.js';
import { Limited } from '../limits/limits.js';
import { sendProblem } from './problems.js';

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
function createLoad({ loopTime }: Pick<World, 'loopTime'>, maxUtilization: number): Load {
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

/** Seconds after which refused clients come back: at the least, and spread, so not all at once. */
const RETRY_AFTER_SECONDS = { least: 2, spread: 8 };

/** Milliseconds for which one line of the log stands. */
const LOG_INTERVAL_MS = 10_000;

/** With fewer others under way a login is never refused: so few overload no process. */
const ALWAYS_TAKEN = 4;

const DETAIL = 'The server is overloaded. Try again.';

type AsyncHandler = (req: Request, res: Response) => Promise<void>;

/** Runs `work` in a slot. @throws Limited `unavailable` if none is free */
export type WithUpstreamSlot = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Refuses new logins, and nothing else, so that those that were begun come to their end: a login
 * that is given up halfway was work for nothing.
 */
export interface Overload {
  /** Sees every request, and drops it if its client has hung up meanwhile. */
  watch: RequestHandler;
  /**
   * Answers 503 in place of `begin` while this process has no time for a new login. A request gets
   * here once its body is read and parsed, so a slow client holds nothing; and it counts until the
   * promise of `begin` settles, whatever becomes of the client's connection.
   */
  admit: (begin: AsyncHandler) => AsyncHandler;
  /**
   * Limits how many logins wait for Vonage at a time. It comes after the limits: a login that they
   * refuse has taken no slot from others.
   */
  withUpstreamSlot: WithUpstreamSlot;
}

/**
 * @param maxUtilization percent of the event loop's time
 * @param upstreamSlots logins that wait for Vonage at a time
 */
export function createOverload(deps: {
  world: World;
  maxUtilization: number;
  upstreamSlots: number;
  docsUrl: string;
}): Overload {
  const { world, upstreamSlots, docsUrl } = deps;
  const load = createLoad(world, deps.maxUtilization);
  const refusals = createRefusals(world);
  const [beginning, waiting] = [createCount(), createCount()];
  const noneFree = (): boolean => waiting.now() >= upstreamSlots;

  return {
    watch: watchFor(load, refusals),
    admit: (begin) => async (req, res) => {
      if (beginning.now() < ALWAYS_TAKEN || !(noneFree() || load.refusesNext())) {
        await beginning.during(() => begin(req, res));
        return;
      }
      const fields = { retry_after: refusals.add() };
      sendProblem(res, new LoginError('unavailable', DETAIL, fields), docsUrl);
    },
    withUpstreamSlot(work) {
      if (noneFree())
        throw new Limited('unavailable', DETAIL, { limit: 'overload', retryAfter: refusals.add() });
      return waiting.during(work);
    },
  };
}

/** Measures at each request, and drops those whose client has hung up. */
function watchFor(load: Load, refusals: Refusals): RequestHandler {
  /** Connections that had a request. A new one may have waited for longer than its client. */
  const known = new WeakSet<Socket>();
  return (req, _res, next) => {
    if (load.measure()) refusals.log();
    const mayBeGone = load.isBusy() || !known.has(req.socket);
    known.add(req.socket);
    // That a client hung up is read from the socket a turn later than what it sent.
    if (mayBeGone) setImmediate(() => setImmediate(() => req.socket.destroyed || next()));
    else next();
  };
}

interface Refusals {
  /** @returns the seconds after which the client is to come back */
  add: () => number;
  /** Writes one line for all of them, unless the last one is too recent. */
  log: () => void;
}

function createRefusals(world: World): Refusals {
  let [refused, loggedAt] = [0, 0];
  return {
    add() {
      refused++;
      world.meter.refused('overload');
      const { least, spread } = RETRY_AFTER_SECONDS;
      return least + ((world.random(1)[0] ?? 0) % spread);
    },
    log() {
      if (refused === 0 || world.now() - loggedAt < LOG_INTERVAL_MS) return;
      world.log.warn({ refused }, 'overloaded: new logins were refused');
      [refused, loggedAt] = [0, world.now()];
    },
  };
}

/** Counts the promises that have not settled yet. */
function createCount() {
  let count = 0;
  return {
    now: (): number => count,
    async during<T>(work: () => Promise<T>): Promise<T> {
      count++;
      try {
        return await work();
      } finally {
        count--;
      }
    },
  };
}
