import type { Response } from 'express';

/** Runs `answer` after `ms` milliseconds of real time, unless the client has gone by then. Keeps no process alive. */
export const later = (res: Response, ms: number, answer: () => void): void => {
  const timer = setTimeout(answer, ms).unref();
  res.once('close', () => clearTimeout(timer));
};
