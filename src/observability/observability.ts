import type { RequestListener } from 'node:http';
import { ConfigError, type Config } from '../config/config.js';
import { NO_METER, NO_SPAN, type Log, type Meter, type Span } from '../core/world.js';
import { listen, type Listening } from '../http/server.js';
import type { Store } from '../store/store.js';
import { openLog } from './log.js';

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
    // `add` is the Redis command SET as well.
    add: (...args) => timed('set', () => store.add(...args)),
    get: (...args) => timed('get', () => store.get(...args)),
    take: (...args) => timed('take', () => store.take(...args)),
    replace: (...args) => timed('replace', () => store.replace(...args)),
    delete: (...args) => timed('delete', () => store.delete(...args)),
    deleteIf: (...args) => timed('deleteIf', () => store.deleteIf(...args)),
    expire: (...args) => timed('expire', () => store.expire(...args)),
    increment: (...args) => timed('increment', () => store.increment(...args)),
    spend: (...args) => timed('spend', () => store.spend(...args)),
    note: (...args) => timed('note', () => store.note(...args)),
    ttl: (...args) => timed('ttl', () => store.ttl(...args)),
    register: (...args) => timed('register', () => store.register(...args)),
    closeIndex: (...args) => timed('closeIndex', () => store.closeIndex(...args)),
    readIndex: (...args) => timed('readIndex', () => store.readIndex(...args)),
    unregister: (...args) => timed('unregister', () => store.unregister(...args)),
    ping: () => timed('ping', () => store.ping()),
    close: () => store.close(),
  };
}

export interface Observability {
  log: Log;
  meter: Meter;
  span: Span;
  observeStore(store: Store): Store;
  observeServer(listener: RequestListener): RequestListener;
  /** @param others answers all other requests on the port of the metrics */
  listen(docsUrl: string, others?: RequestListener): Promise<Listening | undefined>;
  close(): Promise<void>;
}

/** The modules of metrics and traces are loaded only if they are set. */
export async function openObservability(config: Config): Promise<Observability> {
  const counting = config.metrics && {
    ...config.metrics,
    ...(await import('./metrics.js')).createMetrics(config.silentAuth),
  };
  const traces =
    config.traces &&
    (await loadTraces()).createTraces(
      // As with `X-Forwarded-For`, trace headers are trusted only from a trusted proxy.
      { ...config.traces, isTrusted: config.trustProxy !== false },
      (why) => log.warn({ why }, 'traces could not be sent'),
    );
  const log: Log = await openLog(config.logLevel, config.production, traces?.ids);
  const meter = counting?.meter ?? NO_METER;
  return {
    log,
    meter,
    span: traces?.span ?? NO_SPAN,
    observeStore(store) {
      counting?.watchStore(() => store.ping());
      return counting ? meteredStore(store, meter) : store;
    },
    observeServer: (listener) => traces?.around(listener) ?? listener,
    listen: async (docsUrl, others) =>
      counting &&
      listen(others ? besideMetrics(counting.listener, others) : counting.listener, {
        port: counting.port,
        host: counting.host,
        docsUrl,
        keepAliveSeconds: config.keepAliveSeconds,
      }),
    close: async () => traces?.close(),
  };
}

const besideMetrics =
  (metrics: RequestListener, others: RequestListener): RequestListener =>
  (req, res) =>
    (req.url?.split('?')[0] === '/metrics' ? metrics : others)(req, res);

/** The packages for traces are optional peers. @throws ConfigError if they are not installed */
async function loadTraces(): Promise<typeof import('./traces.js')> {
  try {
    return await import('./traces.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const names = ['api', 'exporter-trace-otlp-http', 'resources', 'sdk-trace-node'];
    const packages = names.map((name) => `@opentelemetry/${name}`).join(' ');
    throw new ConfigError([`OTEL_… asks for traces, whose packages are missing: npm install ${packages}`]);
  }
}
