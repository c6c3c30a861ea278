import type { Response } from 'express';

const startedAt = new WeakMap<Response, number>();

/** Remembers when a request came, for {@link serverTiming}. */
export const clockIn = (res: Response): void => void startedAt.set(res, performance.now());

/** Milliseconds since a request came. */
export const sinceArrival = (res: Response): number =>
  performance.now() - (startedAt.get(res) ?? performance.now());

/**
 * What goes into `Server-Timing` (W3C Server Timing), in milliseconds: how long the server had the request, so that whoever
 * sent it can tell that from the way there and back; and whatever else the answer knows of.
 */
export function serverTiming(res: Response, also: Record<string, number>): string | undefined {
  const started = startedAt.get(res);
  if (started === undefined) return undefined;
  let told = '';
  for (const [name, ms] of Object.entries(also)) told += `${name};dur=${ms.toFixed(1)}, `;
  return `${told}total;dur=${(performance.now() - started).toFixed(1)}`;
}
