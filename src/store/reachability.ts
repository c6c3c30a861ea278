import type { Log } from '../core/world.js';

/** While a host cannot be reached, the log has one line in this time. */
const REPORT_INTERVAL_MS = 10_000;

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
    let goneAt: number | undefined;
    let reportedAt = -Infinity;
    return {
      failed(error) {
        const now = performance.now();
        goneAt ??= now;
        if (now - reportedAt < REPORT_INTERVAL_MS) return;
        reportedAt = now;
        log.warn({ host, error: (error.lastNodeError ?? error).message }, 'redis is not reachable');
      },
      ready() {
        if (goneAt === undefined) return;
        log.info({ host, ms: Math.round(performance.now() - goneAt) }, 'redis is reachable again');
        [goneAt, reportedAt] = [undefined, -Infinity];
      },
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
