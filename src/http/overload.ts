import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { LoginError } from '../core/errors.js';
import type { LoopTime, World } from '../core/world.js';
import { Limited } from '../limits/limits.js';
import { sendProblem } from './problems.js';

const WINDOW_MS = 250;

/** The share of the loop's active time in which this process must have had a processor. */
const MIN_CPU_SHARE = 0.5;

type Load = ReturnType<typeof createLoad>;

/**
 * Refuses a share of new logins if, in the last window, the event loop was active for more than
 * `maxUtilization` percent of the time, and had a processor for most of that: a process that others
 * keep from running is late, but not busy.
 *
 * The share grows from 0 at `maxUtilization` to 1 at 100 percent, where the number of waiting
 * requests is unknown. It grows with the third power, because a busy process handles more events in
 * each turn: most of its capacity is in the last few percent. A single threshold would oscillate.
 * Later requests of a login need no forecast: they are part of the active time.
 *
 * The loop's delay (`monitorEventLoopDelay`) is no measure: Node accepts one connection per turn of
 * the loop, so turns stay short while connections wait in the system for seconds.
 * @param maxUtilization percent, 1 to 100
 */
function createLoad(world: Pick<World, 'loopTime' | 'cpuTime'>, maxUtilization: number) {
  /** Absent until the first request, so that the start of the process is not measured. */
  let from: Spent | undefined;
  let refusedShare = 0;
  /** The sum of the shares: whenever it reaches 1, a login is refused. */
  let due = 0;

  return {
    /** To be called at every request. @returns whether a window ended and was measured */
    measure(): boolean {
      const { active, idle } = world.loopTime();
      if (from !== undefined && active + idle < from.active + from.idle + WINDOW_MS) return false;
      const [former, now] = [from, { active, idle, cpu: world.cpuTime() }];
      from = now;
      if (former === undefined) return false;
      refusedShare = shareFor(between(former, now), maxUtilization);
      return true;
    },
    refusesNext(): boolean {
      due += refusedShare;
      if (due < 1) return false;
      due -= 1;
      return true;
    },
    /** Whether requests wait, so that their clients may have given up. */
    isBusy: () => refusedShare > 0,
  };
}

interface Spent extends LoopTime {
  /** Processor time (ms). */
  cpu: number;
}

const between = (from: Spent, to: Spent): Spent => ({
  active: to.active - from.active,
  idle: to.idle - from.idle,
  cpu: to.cpu - from.cpu,
});

function shareFor({ active, idle, cpu }: Spent, maxUtilization: number): number {
  const utilization = (active / (active + idle)) * 100;
  if (utilization <= maxUtilization || cpu < active * MIN_CPU_SHARE) return 0;
  return ((utilization - maxUtilization) / (100 - maxUtilization)) ** 3;
}

/** Spread, so that refused clients do not return all at once. */
const RETRY_AFTER_SECONDS = { least: 2, spread: 8 };

const LOG_INTERVAL_MS = 10_000;

/** With fewer logins beginning, none is refused: so few do not overload a process. */
const ALWAYS_ADMITTED = 4;

const DETAIL = 'The server is overloaded. Try again.';

export type Handler = (req: Request, res: Response) => Promise<void>;

/** Refuses only new logins, so that the work for those that were begun is not lost. */
export interface Overload {
  /** Measures at every request, and drops requests whose client has hung up. */
  watch: RequestHandler;
  /**
   * Answers 503 instead of calling `begin` while this process is overloaded. It comes after the
   * body parser, so that slow clients do not count. A login counts until `begin` settles, even if
   * its client hangs up.
   */
  admit: (begin: Handler) => Handler;
  /** Limits how many logins wait for Vonage at a time. Comes after the other limits. */
  withUpstreamSlot: <T>(work: () => Promise<T>) => Promise<T>;
}

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
      if (beginning.now() < ALWAYS_ADMITTED || !(noneFree() || load.refusesNext())) {
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

function watchFor(load: Load, refusals: Refusals): RequestHandler {
  /** Connections that had a request before. A new one may have waited longer than its client. */
  const known = new WeakSet<Socket>();
  return (req, _res, next) => {
    if (load.measure()) refusals.log();
    const mayBeGone = load.isBusy() || !known.has(req.socket);
    known.add(req.socket);
    // Node reads the end of a connection a turn later than the data before it.
    if (mayBeGone) setImmediate(() => setImmediate(() => req.socket.destroyed || next()));
    else next();
  };
}

type Refusals = ReturnType<typeof createRefusals>;

function createRefusals(world: World) {
  let [refused, loggedAt] = [0, 0];
  return {
    /** @returns the seconds after which the client may try again */
    add(): number {
      refused++;
      world.meter.refused('overload');
      const { least, spread } = RETRY_AFTER_SECONDS;
      return least + ((world.random(1)[0] ?? 0) % spread);
    },
    /** Logs one line for all refusals, at most every {@link LOG_INTERVAL_MS}. */
    log(): void {
      if (refused === 0 || world.now() - loggedAt < LOG_INTERVAL_MS) return;
      world.log.warn({ refused }, 'overloaded: new logins were refused');
      [refused, loggedAt] = [0, world.now()];
    },
  };
}

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
