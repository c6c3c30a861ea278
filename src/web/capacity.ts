import type { LoopTime, World } from '../world.js';

/** Milliseconds from one look at how the time is spent to the next. */
const LOOK = 500;

/** The part of its time that a loop rests in which nothing waits for long: one that never rests has a queue somewhere. */
const REST = 0.02;

/** What a new look changes of the picture: the price of a request is known in seconds, the course of a login in half a minute. */
const [QUICKLY, SLOWLY] = [0.3, 0.02];

/** What a look in calm times leaves of a price that was learned in busy ones, so that no mistake lasts. */
const CALM = 0.5;

/** The course of a login before any was seen: `/login`, `/callback`, `/verify`. */
const AT_FIRST = { requests: 300, logins: 100 };

/**
 * The time of the event loop, as far as new logins may have it. A login is charged for all its requests when it begins: those
 * that follow are never refused, and come seconds later and all together. The price is what a request was seen to cost, so
 * the machine, its neighbours and whatever else is served stand in it by themselves.
 */
export interface Capacity {
  /** Looks at the time that was spent, if a look is due. @returns whether it was */
  look(): boolean;
  /** A request is served, unless it is a login and refused. */
  serve(): void;
  /** Charges for a login. @returns false, if there is no time for one */
  charge(): boolean;
  /** Whether the loop is behind its work, so that clients may have given up meanwhile. */
  isBehind(): boolean;
}

/** @param share the part of its time that the loop may be busy; with the whole of it no login is refused */
export function createCapacity({ loopTime }: Pick<World, 'loopTime'>, share: number): Capacity {
  const most = LOOK * share;
  let [seen, looked] = [loopTime(), loopTime()];
  let behind = false;
  let budget = most;
  let msOfRequest = 0;
  let [served, begun] = [0, 0];
  let { requests, logins } = AT_FIRST;

  const learn = (busy: number): void => {
    const price = busy / served;
    msOfRequest = msOfRequest === 0 ? price : msOfRequest + (price - msOfRequest) * QUICKLY;
    requests += (served - requests) * SLOWLY;
    logins += (begun - logins) * SLOWLY;
  };

  return {
    look() {
      const now = loopTime();
      budget = Math.min(most, budget + between(seen, now).elapsed * share);
      seen = now;
      const { busy, elapsed } = between(looked, now);
      if (elapsed < LOOK) return false;
      if (busy > (elapsed * share) / 2 && served > 0) learn(busy);
      else msOfRequest *= CALM;
      behind = busy > elapsed * (1 - REST);
      [looked, served, begun] = [now, 0, 0];
      return true;
    },
    serve() {
      served++;
    },
    charge() {
      if (share < 1 && (behind || budget <= 0)) {
        served--;
        return false;
      }
      begun++;
      // While others are busy and nobody logs in, `logins` fades: by itself the price would grow without end.
      budget -= Math.min(most, (msOfRequest * requests) / logins);
      return true;
    },
    isBehind: () => behind,
  };
}

const between = (from: LoopTime, to: LoopTime) => {
  const busy = to.busy - from.busy;
  return { busy, elapsed: busy + to.idle - from.idle };
};
