import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { LoginError } from '../errors.js';
import { Limited } from '../limits/account.js';
import type { World } from '../world.js';
import { createLoad, type Load } from './load.js';
import { sendProblem } from './problem.js';

/** Seconds after which refused clients come back: at the least, and spread, so not all at once. */
const RETRY_AFTER_SECONDS = { least: 2, spread: 8 };

/** Milliseconds for which one line of the log stands. */
const LOG_INTERVAL_MS = 10_000;

/** With fewer others under way a login is never refused: so few overload no process. */
const ALWAYS_TAKEN = 4;

const DETAIL = 'Too many are logging in just now. Try again.';

type AsyncHandler = (req: Request, res: Response) => Promise<void>;

/** Does `work` in a place. @throws Limited `unavailable` if there is none */
export type Place = <T>(work: () => Promise<T>) => Promise<T>;

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
   * For the part of a login that waits for Vonage, which only so many do at one time. It comes
   * after the limits: a login that they refuse has taken no place from others.
   */
  place: Place;
}

/**
 * @param maxUtilization percent of the event loop's time
 * @param places logins that wait for Vonage at one time
 */
export function createOverload(deps: {
  world: World;
  maxUtilization: number;
  places: number;
  docsUrl: string;
}): Overload {
  const { world, places, docsUrl } = deps;
  const load = createLoad(world, deps.maxUtilization);
  const refusals = createRefusals(world);
  const [beginning, waiting] = [createCount(), createCount()];
  const noPlace = (): boolean => waiting.now() >= places;

  return {
    watch: watchFor(load, refusals),
    admit: (begin) => async (req, res) => {
      if (beginning.now() < ALWAYS_TAKEN || !(noPlace() || load.refusesNext())) {
        await beginning.during(() => begin(req, res));
        return;
      }
      const fields = { retry_after: refusals.add() };
      sendProblem(res, new LoginError('unavailable', DETAIL, fields), docsUrl);
    },
    place(work) {
      if (noPlace()) throw new Limited('overload', 'unavailable', DETAIL, refusals.add());
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
