import type { Stage } from './state.js';
import { settleAll } from './verify-workflow.js';

const TICK_MS = 1_000;

/** Lets time pass for Verify requests that nobody asks about, until the returned function is called. Keeps no process alive. */
export const startTicking = (stage: Stage): (() => void) => {
  const timer = setInterval(() => settleAll(stage), TICK_MS).unref();
  return () => clearInterval(timer);
};
