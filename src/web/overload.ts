import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { LoginError } from '../errors.js';
import type { World } from '../world.js';
import { createCapacity } from './capacity.js';
import { sendProblem } from './problem.js';

/** Seconds until whoever was refused comes back, at the least, and the spread over which they come: not all at once. */
const [BACK, SPREAD] = [2, 8];

/** Milliseconds for which one line of the log stands. */
const SILENCE = 10_000;

/**
 * Refuses new logins, and nothing else, while this process has no time for them, so that those that were begun come to their
 * end: what is given up halfway was for nothing. `watch` sees every request; `admit` stands before a new login, ahead of
 * its body, its session and the store.
 * @param maxUtilization percent of the event loop's time
 * @param mostUnderWay logins that are being begun at one time
 */
export function createOverload(deps: {
  world: World;
  maxUtilization: number;
  mostUnderWay: number;
  docsUrl: string;
}): { watch: RequestHandler; admit: RequestHandler } {
  const { world, mostUnderWay, docsUrl } = deps;
  const capacity = createCapacity(world, deps.maxUtilization / 100);
  /** Connections that were not just taken from the line of new ones, in which one may wait for longer than a client does. */
  const known = new WeakSet<Socket>();
  let underWay = 0;
  let [refused, saidAt] = [0, 0];

  const tell = (): void => {
    if (refused === 0 || world.now() - saidAt < SILENCE) return;
    world.log.warn({ refused }, 'overloaded: new logins were refused');
    [refused, saidAt] = [0, world.now()];
  };

  return {
    watch(req, _res, next) {
      if (capacity.look()) tell();
      const go = (): void => {
        capacity.serve();
        next();
      };
      const mayBeGone = capacity.isBehind() || !known.has(req.socket);
      known.add(req.socket);
      // That somebody hung up is read from the socket a turn later than what he sent.
      if (mayBeGone) setImmediate(() => setImmediate(() => req.socket.destroyed || go()));
      else go();
    },
    admit(_req, res, next) {
      if (underWay < mostUnderWay && capacity.charge()) {
        underWay++;
        res.once('close', () => underWay--);
        next();
        return;
      }
      refused++;
      world.meter.refused('overload');
      const fields = { retry_after: BACK + ((world.random(1)[0] ?? 0) % SPREAD) };
      sendProblem(
        res,
        new LoginError('unavailable', 'Too many are logging in just now. Try again.', fields),
        docsUrl,
      );
    },
  };
}
