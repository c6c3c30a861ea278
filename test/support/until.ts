import { setTimeout as pause } from 'node:timers/promises';

/** Polls until the condition is true. Rejects after `seconds`, so that a failed test ends. */
export async function until(condition: () => Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`the condition is still false after ${seconds} seconds`);
    await pause(10);
  }
}

/**
 * A stopwatch that runs only while this process does, so that a busy machine makes nothing look
 * slow: of a pause in which other processes ran, it counts at most 20 ms.
 * @returns stops it, and says how many milliseconds it counted
 */
export function startStopwatch(): () => number {
  let [ms, last] = [0, performance.now()];
  const count = (): void => {
    const now = performance.now();
    ms += Math.min(now - last, 20);
    last = now;
  };
  const timer = setInterval(count, 5);
  return () => {
    clearInterval(timer);
    count();
    return Math.round(ms);
  };
}
