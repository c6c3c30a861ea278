import type { RequestListener } from 'node:http';
import { pino, type LoggerOptions } from 'pino';
import { ConfigError, type Config } from '../config/config.js';
import { NO_METER, NO_SPAN, type Log, type Meter } from '../core/world.js';
import { listen, type Listening } from '../http/server.js';
import type { Store } from '../store/store.js';

type Command = (...args: unknown[]) => Promise<unknown>;

/** Adds each command and its duration to the metrics. */
export function meteredStore(store: Store, meter: Meter): Store {
  const metered =
    (operation: string, command: Command): Command =>
    async (...args) => {
      const startedAt = performance.now();
      let failed = true;
      try {
        const result = await command(...args);
        failed = false;
        return result;
      } finally {
        meter.stored(operation, failed, performance.now() - startedAt);
      }
    };
  const entries = Object.entries(store as unknown as Record<string, Command>).map(([name, command]) => {
    if (name === 'close') return [name, command];
    // `add` is the Redis command SET as well.
    return [name, metered(name === 'add' ? 'set' : name, command)];
  });
  return Object.fromEntries(entries) as Store;
}

/** The modules of metrics and traces are loaded only if they are set. */
export async function openObservability(config: Config) {
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
    observeStore(store: Store): Store {
      counting?.watchStore(() => store.ping());
      return counting ? meteredStore(store, meter) : store;
    },
    observeServer: (listener: RequestListener) => traces?.around(listener) ?? listener,
    /** @param others answers all other requests on the port of the metrics */
    listen: async (docsUrl: string, others?: RequestListener): Promise<Listening | undefined> =>
      counting &&
      listen(others ? besideMetrics(counting.listener, others) : counting.listener, {
        port: counting.port,
        host: counting.host,
        docsUrl,
        keepAliveSeconds: config.keepAliveSeconds,
      }),
    close: async (): Promise<void> => traces?.close(),
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

/** About 10,000 lines that wait to be written. More are dropped. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Writes the log to stdout. While that fails, as on a full disk, the process goes on. By default
 * pino blocks it until the last lines can be written, and then ends it.
 */
export function openStdout(): pino.DestinationStream {
  const stdout = pino.destination({ dest: 1, sync: false, maxLength: MAX_WAITING_BYTES });
  const flush = stdout.flushSync.bind(stdout);
  stdout.on('error', () => (stdout.flushSync = () => undefined));
  stdout.on('write', () => (stdout.flushSync = flush));
  return stdout;
}

/**
 * The log on stdout: a line of JSON each. On a terminal outside of production it is formatted by
 * `pino-pretty`, if that is installed.
 * @param also adds fields to each line
 */
async function openLog(level: string, production: boolean, also?: () => object): Promise<pino.Logger> {
  const options: LoggerOptions = { level, base: null, ...(also && { mixin: also }) };
  if (production || !process.stdout.isTTY) return pino(options, openStdout());
  const pretty = await import('pino-pretty').then(
    ({ PinoPretty }) => PinoPretty({ translateTime: 'HH:MM:ss.l', singleLine: true }),
    () => undefined,
  );
  return pretty ? pino(options, pretty) : pino(options);
}
