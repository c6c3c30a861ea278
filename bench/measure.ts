import { median } from './statistics.js';

/** A part of a login that is measured in isolation. */
export interface Part {
  name: string;
  timesALogin: number;
  /** Runs the part once. */
  work: () => unknown;
  /** The overhead in `work`, which is subtracted. */
  overhead?: () => unknown;
}

const AT_ONCE = 16;

/** Mean user and system time of this process per run (µs), with {@link AT_ONCE} runs at a time. */
async function costOf(work: () => unknown, ms: number): Promise<number> {
  let runs = 0;
  const before = process.cpuUsage();
  const end = performance.now() + ms;
  const repeat = async (): Promise<void> => {
    while (performance.now() < end) {
      await work();
      runs++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, repeat));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}

/** Rounds per part. The first one is the warm-up. */
const ROUNDS = 6;

/** @param ms duration of a round @returns CPU time per run (µs), the median of the rounds */
export async function measure({ work, overhead }: Part, ms: number): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const whole = await costOf(work, ms);
    costs.push(overhead === undefined ? whole : whole - (await costOf(overhead, ms)));
  }
  return Math.max(0, median(costs.slice(1)));
}
