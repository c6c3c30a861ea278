import type { RequestListener } from 'node:http';
import type { Config } from './config.js';
import { openLog } from './log.js';
import { meteredStore } from './store/metered.js';
import type { Store } from './store/store.js';
import { NO_METER, NO_SPAN, type Meter, type Span } from './telemetry.js';
import { listen, type Listening } from './web/server.js';
import type { Log } from './world.js';

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
    ...(await import('./metrics/metrics.js')).createMetrics(config.silentAuth),
  };
  const traces =
    config.traces &&
    (await import('./traces/traces.js')).createTraces(
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
