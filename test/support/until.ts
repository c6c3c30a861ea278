import { setTimeout as pause } from 'node:timers/promises';

/** Looks until something is so. Fails by itself after `seconds`, so that no test that failed goes on looking. */
export async function until(condition: () => Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it is not so after ${seconds} seconds`);
    await pause(10);
  }
}
