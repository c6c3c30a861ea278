import { NO_METER, NO_SPAN, type Log, type Meter, type Span } from '../core/world.js';
import type { Store } from '../store/store.js';
import type { RequestListener } from 'node:http';
import type { Config } from '../config/config.js';
import { openLog } from './log.js';
import { listen, type Listening } from '../http/server.js';

/** The store, with each of its answers told to whoever counts. */
export function meteredStore(store: Store, meter: Meter): Store {
  const timed = async <T>(operation: keyof Store, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    let failed = true;
    try {
      const result = await work();
      failed = false;
      return result;
    } finally {
      meter.stored(operation, failed, performance.now() - startedAt);
    }
  };
  return {
    set: (...args) => timed('set', () => store.set(...args)),
    get: (...args) => timed('get', () => store.get(...args)),
    take: (...args) => timed('take', () => store.take(...args)),
    replace: (...args) => timed('replace', () => store.replace(...args)),
    delete: (...args) => timed('delete', () => store.delete(...args)),
    deleteIf: (...args) => timed('deleteIf', () => store.deleteIf(...args)),
    expire: (...args) => timed('expire', () => store.expire(...args)),
    increment: (...args) => timed('increment', () => store.increment(...args)),
    spend: (...args) => timed('spend', () => store.spend(...args)),
    note: (...args) => timed('note', () => store.note(...args)),
    ping: () => timed('ping', () => store.ping()),
    close: () => store.close(),
  };
}

/** Whoever watches the server: the log always, and who counts and traces where the settings want it. */
export interface Watchers {
  log: Log;
  meter: Meter;
  span: Span;
  /** The same store, watched. */
  ofStore(store: Store): Store;
  /** The same server, watched. */
  ofServer(listener: RequestListener): RequestListener;
  /** Opens the port at which is told what was counted, if there is one. */
  listen(docsUrl: string): Promise<Listening | undefined>;
  close(): Promise<void>;
}

/** What counts and what traces is loaded only where it is wanted: otherwise it costs neither time nor memory. */
export async function openWatchers(config: Config): Promise<Watchers> {
  const counting = config.metrics && {
    ...config.metrics,
    ...(await import('./metrics.js')).createMetrics(config.silentAuth),
  };
  const traces =
    config.traces &&
    (await import('./traces.js')).createTraces(
      // As with `X-Forwarded-For`: where there is a proxy of ours, what it says of a request counts.
      { ...config.traces, believed: config.trustProxy !== false },
      (why) => log.warn({ why }, 'traces could not be sent'),
    );
  const log: Log = await openLog(config.logLevel, config.production, traces?.ids);
  const meter = counting?.meter ?? NO_METER;
  return {
    log,
    meter,
    span: traces?.span ?? NO_SPAN,
    ofStore(store) {
      counting?.watchStore(() => store.ping());
      return counting ? meteredStore(store, meter) : store;
    },
    ofServer: (listener) => traces?.around(listener) ?? listener,
    listen: async (docsUrl) =>
      counting &&
      listen(counting.listener, counting.port, docsUrl, {
        host: counting.host,
        keepAliveSeconds: config.keepAliveSeconds,
      }),
    close: async () => traces?.close(),
  };
}
