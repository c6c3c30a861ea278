import type { Log } from '../core/world.js';

/** While a fault lasts, the log has one line in this time. */
const REPORT_INTERVAL_MS = 10_000;

/** Reports when a fault begins, that it lasts, and when it ends. */
export interface FaultWatch {
  failed: (fields: object) => void;
  ended: (fields: object) => void;
}

/** @param began `redis is not ready`; `ended`: `redis is ready again` */
export function createFaultWatch(
  log: Log,
  level: 'warn' | 'error',
  { began, ended }: { began: string; ended: string },
): FaultWatch {
  let goneAt: number | undefined;
  let reportedAt = -Infinity;
  return {
    failed(fields) {
      const now = performance.now();
      goneAt ??= now;
      if (now - reportedAt < REPORT_INTERVAL_MS) return;
      reportedAt = now;
      log[level](fields, began);
    },
    ended(fields) {
      if (goneAt === undefined) return;
      log.info({ ...fields, ms: Math.round(performance.now() - goneAt) }, ended);
      [goneAt, reportedAt] = [undefined, -Infinity];
    },
  };
}

type ConnectionError = Error & { lastNodeError?: Error | null };

/** Reports when a host can no longer be reached, and when it can be reached again. */
export interface HostWatch {
  failed: (error: ConnectionError) => void;
  ready: () => void;
}

/** Reports which hosts of Redis can be reached. */
export interface Reachability {
  /** @param host one host and its port, or several, separated by commas */
  of(host: string): HostWatch;
}

export function createReachability(log: Log): Reachability {
  const watches = new Map<string, HostWatch>();
  const watch = (host: string): HostWatch => {
    const messages = { began: 'redis is not reachable', ended: 'redis is reachable again' };
    const { failed, ended } = createFaultWatch(log, 'warn', messages);
    return {
      failed: (error) => failed({ host, error: (error.lastNodeError ?? error).message }),
      ready: () => ended({ host }),
    };
  };
  return {
    of(host) {
      const known = watches.get(host) ?? watch(host);
      watches.set(host, known);
      return known;
    },
  };
}
