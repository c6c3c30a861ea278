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
