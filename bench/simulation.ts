import { createPace } from '../src/limits/pace.js';
import { RATES } from '../src/config/limits.js';
import { createMemoryStore } from '../src/store/memory.js';
import type { World } from '../src/core/world.js';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const exponential = (random: () => number, mean: number): number => -Math.log(1 - random()) * mean;

/**
 * How long the requests wait for a core that does one after the other, in times that one takes in the mean: they come at random, and some
 * take much longer than others (both exponential: a queue of the kind M/M/1, walked by Lindley's recursion).
 * @param use the share of time that the core is busy
 */
export function waitsAt(use: number, random: () => number, requests = 250_000): { p50: number; p99: number } {
  const waits = new Float64Array(requests);
  let wait = 0;
  for (let each = 0; each < requests; each++) {
    waits[each] = wait;
    wait = Math.max(0, wait + exponential(random, 1) - exponential(random, 1 / use));
  }
  waits.sort();
  return { p50: waits[requests / 2] ?? 0, p99: waits[Math.floor(requests * 0.99)] ?? 0 };
}

/** What became of logins that asked for a turn: shares of all. */
export interface Turns {
  waited: number;
  refused: number;
}

/**
 * Logins that take turns by the product's own code (src/limits/pace.ts), with the memory store and a simulated clock.
 * @param use the share of the turns that is asked for
 */
export async function turnsOf(
  { upstreamPerSecond, use }: { upstreamPerSecond: number; use: number },
  random: () => number,
  seconds = 5,
): Promise<Turns> {
  let [now, asked, waited, refused] = [0, 0, 0, 0];
  const world = {
    now: () => now,
    pause: () => Promise.resolve(void (waited += 1)),
  } as unknown as World;
  const store = createMemoryStore(world);
  const pace = createPace({ upstreamPerSecond, rates: RATES, paidSendsPerHour: 1, world, store });
  const gap = 1000 / (upstreamPerSecond * use);
  for (now = exponential(random, gap); now < seconds * 1000; now += exponential(random, gap)) {
    asked++;
    await pace.take([], 'network-enablement').catch(() => refused++);
  }
  return { waited: waited / asked, refused: refused / asked };
}

/** After a failover: seconds. */
export interface Recovery {
  /** Logins that were refused, each once. */
  refused: number;
  /** From the failure until all of them are served. */
  seconds: number;
}

/**
 * A primary is gone for `gapMs`. Who needs it is refused, and comes again after a second, as `Retry-After` says, until a turn is left;
 * new ones come meanwhile. Of the accounts that a login needs, the share `hit` lies on that primary.
 */
export function recoveryOf(perSecond: number, capacity: number, gapMs: number, hit: number): Recovery {
  const step = 0.1;
  let waiting = 0;
  let refused = 0;
  for (let at = 0; ; at += step) {
    const down = at * 1000 < gapMs;
    const served = down ? 0 : (capacity - perSecond * (1 - hit)) * step;
    if (down) refused += perSecond * hit * step;
    waiting = Math.max(0, waiting + perSecond * hit * step - served);
    if (!down && waiting === 0) return { refused, seconds: at };
    if (at > 3600) return { refused, seconds: Infinity };
  }
}
