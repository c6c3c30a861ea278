import { median } from './statistics.js';

/** A part of a login, and how often a login needs it. */
export interface Part {
  name: string;
  timesALogin: number;
  /** Does it once. */
  work: () => unknown;
  /** What is in `work` only to get at the part. */
  around?: () => unknown;
}

/** Microseconds of user and system time of this process for one go, when `atOnce` are under way. */
async function costOf(work: () => unknown, atOnce: number, ms: number): Promise<number> {
  let times = 0;
  const before = process.cpuUsage();
  const end = performance.now() + ms;
  const go = async (): Promise<void> => {
    while (performance.now() < end) {
      await work();
      times++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, go));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

const AT_ONCE = 16;

/** Rounds of a part, the first of which is its warm-up. */
const ROUNDS = 6;

/** What a part costs, in the median of its rounds. @param ms of a round @returns microseconds for each time */
export async function measure({ work, around }: Part, ms: number): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const whole = await costOf(work, AT_ONCE, ms);
    costs.push(around === undefined ? whole : whole - (await costOf(around, AT_ONCE, ms)));
  }
  return Math.max(0, median(costs.slice(1)));
}
