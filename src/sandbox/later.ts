import type { Response } from 'express';

/**
 * Runs `work` once, when the answer is out or its connection is gone. For an answer that waits
 * behind another one on its connection (pipelining), Node emits no `close` when that ends.
 */
export const whenOver = (res: Response, work: () => void): void => {
  const { socket } = res.req;
  const over = (): void => {
    socket.off('close', over);
    res.off('close', over);
    work();
  };
  socket.once('close', over);
  res.once('close', over);
};

/** Runs `answer` after `ms` milliseconds of real time, unless the client has gone by then. Keeps no process alive. */
export const later = (res: Response, ms: number, answer: () => void): void => {
  const timer = setTimeout(answer, ms).unref();
  whenOver(res, () => clearTimeout(timer));
};
