import { createPace } from '../src/limits/pace.js';
import { RATES } from '../src/config/limits.js';
import { createMemoryStore } from '../src/store/memory.js';
import type { World } from '../src/core/world.js';

// In the context of a test, each access to a global variable takes as long as the rest of a step.
const { imul, log, max } = Math;

/** Reproducible random numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const exponential = (random: () => number, mean: number): number => -log(1 - random()) * mean;

/**
 * Waiting times at one core, in multiples of the mean service time: an M/M/1 queue (arrivals and
 * service times are exponentially distributed), simulated by Lindley's recursion.
 * @param use the utilization of the core, from 0 to 1
 */
export function waitsAt(use: number, random: () => number, requests = 250_000): { p50: number; p99: number } {
  const waits = new Float64Array(requests);
  let wait = 0;
  for (let each = 0; each < requests; each++) {
    waits[each] = wait;
    wait = max(0, wait + exponential(random, 1) - exponential(random, 1 / use));
  }
  waits.sort();
  return { p50: waits[requests / 2] ?? 0, p99: waits[Math.floor(requests * 0.99)] ?? 0 };
}

/** Shares of the logins that requested a turn. */
export interface Turns {
  waited: number;
  refused: number;
}

/**
 * Simulates logins that request turns to call Vonage from the real `src/limits/pace.ts`, on the
 * memory store and a simulated clock.
 * @param use requested turns as a share of the available ones
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

/** A primary that fails. */
export interface Outage {
  perSecond: number;
  /** Logins per second that all resources can serve. */
  capacity: number;
  /** The share of logins that need the failed primary, from 0 to 1. */
  share: number;
  downMs: number;
}

export interface Recovery {
  /** Refused logins, each counted once. */
  refused: number;
  /** Seconds from the failure until all of them are served. */
  seconds: number;
}

/**
 * Logins that need the failed primary are refused and retried each second (`Retry-After`) until
 * there is capacity for them beside the new logins.
 */
export function recoveryOf({ perSecond, capacity, share, downMs }: Outage): Recovery {
  const step = 0.1;
  let waiting = 0;
  let refused = 0;
  for (let at = 0; ; at += step) {
    const down = at * 1000 < downMs;
    const served = down ? 0 : (capacity - perSecond * (1 - share)) * step;
    if (down) refused += perSecond * share * step;
    waiting = max(0, waiting + perSecond * share * step - served);
    if (!down && waiting === 0) return { refused, seconds: at };
    if (at > 3600) return { refused, seconds: Infinity };
  }
}
