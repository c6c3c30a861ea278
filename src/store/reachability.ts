import type { Log } from '../core/world.js';

/**
 * While a fault lasts, the log has one line for each reason in this time: the first reason may be
 * only that the connection ended, and the next one says why.
 */
const REPORT_INTERVAL_MS = 10_000;
/** The most lines in this time: some reasons name a port that differs each time. */
const MAX_REASONS = 3;

/**
 * Reports when a fault begins, that it lasts, and when it ends.
 * @param messages such as `redis is not ready` and `redis is ready again`
 */
export function createFaultWatch(
  log: Log,
  level: 'warn' | 'error',
  messages: { began: string; ended: string },
) {
  let faultAt: number | undefined;
  let intervalAt = -Infinity;
  const reported = new Set<string>();
  return {
    failed: (fields: object): void => {
      const now = performance.now();
      faultAt ??= now;
      if (now - intervalAt >= REPORT_INTERVAL_MS) {
        intervalAt = now;
        reported.clear();
      }
      const reason = JSON.stringify(fields);
      if (reported.has(reason) || reported.size === MAX_REASONS) return;
      reported.add(reason);
      log[level](fields, messages.began);
    },
    ended: (fields: object): void => {
      if (faultAt === undefined) return;
      log.info({ ...fields, ms: Math.round(performance.now() - faultAt) }, messages.ended);
      [faultAt, intervalAt] = [undefined, -Infinity];
    },
  };
}

export type HostWatch = ReturnType<typeof watchHost>;

/** Reports when a host can no longer be reached, and when it can be reached again. */
function watchHost(host: string, log: Log) {
  const messages = { began: 'redis is not reachable', ended: 'redis is reachable again' };
  const { failed, ended } = createFaultWatch(log, 'warn', messages);
  return {
    failed: (error: Error & { lastNodeError?: Error | null }): void =>
      failed({ host, error: (error.lastNodeError ?? error).message }),
    ready: (): void => ended({ host }),
  };
}

export type Reachability = ReturnType<typeof createReachability>;

/** Reports which hosts of Redis can be reached. */
export function createReachability(log: Log) {
  const watches = new Map<string, HostWatch>();
  return {
    /** @param host one host and its port, or several, separated by commas */
    of(host: string): HostWatch {
      const known = watches.get(host) ?? watchHost(host, log);
      watches.set(host, known);
      return known;
    },
  };
}
