import type { RequestListener } from 'node:http';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { RATES } from '../config/limits.js';
import { CODE_CHANNELS } from '../config/login.js';
import { MESSAGE_FAILURES, type ErrorCode, type SilentFailure } from '../core/errors.js';
import type { Meter } from '../core/world.js';

/**
 * The metrics of prom-client about Node, and the time of the event loop: a counter, whose rate is
 * right for any number of scrapers and any interval.
 */
function watchProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  // Sums of other gauges of prom-client, under names that Prometheus reserves for counters.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  const spent = new Counter({
    name: 'silent_auth_event_loop_seconds_total',
    help: 'Time of the event loop: active or idle.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { active, idle } = performance.eventLoopUtilization();
      spent.reset();
      spent.inc({ state: 'active' }, active / 1000);
      spent.inc({ state: 'idle' }, idle / 1000);
    },
  });
}

function watchStore(registry: Registry, ping: () => Promise<void>): void {
  const up = new Gauge({
    name: 'silent_auth_store_up',
    help: 'Whether Redis accepts writes: 1, or 0.',
    registers: [registry],
    async collect() {
      const isUp = await ping().then(
        () => true,
        () => false,
      );
      up.set(Number(isUp));
    },
  });
}

/** Seconds. The timeouts of calls to Vonage are 2.5, 3 and 5. */
const STEP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3, 5];
/** Seconds. The timeout of Redis is 0.5. */
const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

const LIMITS = [...Object.keys(RATES), 'send-all', 'upstream-per-second', 'upstream-pause', 'overload'];

const OPERATIONS = [
  ...['set', 'get', 'take', 'delete', 'deleteIf', 'replace', 'expire', 'increment', 'spend', 'note', 'ping'],
  ...['ttl', 'register', 'closeIndex', 'readIndex', 'unregister'],
];

const REASONS: readonly (SilentFailure | ErrorCode | 'number_mismatch')[] = [
  ...(['number_mismatch', 'not_on_cellular', 'denied', 'consent_required'] as const),
  ...(['number_not_supported', 'operator_error'] as const),
  ...(['upstream_error', 'upstream_timeout', 'unavailable'] as const),
  ...(['step_up_required', 'login_refused', 'too_many_attempts', 'internal_error'] as const),
];

const APIS = ['network-enablement', 'discovery', 'jwks', 'token', 'number-verification', 'verify'];
const STATUSES = ['2xx', '4xx', '429', '5xx', 'timeout', 'connection'];

/**
 * Metrics for Prometheus (docs/operating.md), named by prometheus.io/docs/practices/naming.
 * @param engine the value of SILENT_AUTH
 */
function createMeter(registry: Registry, engine: string): Meter {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `silent_auth_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    { buckets, labelNames }: { buckets: number[]; labelNames: L[] },
  ) => new Histogram({ name: `silent_auth_${name}`, help, buckets, labelNames, registers });

  const began = counter('logins_begun_total', 'Logins that began.', ['engine']);
  const logins = counter('logins_total', 'Channels of logins that ended.', [
    'engine',
    'channel',
    'outcome',
    'reason',
  ]);
  const steps = counter('steps_total', 'Steps of logins.', ['step', 'outcome', 'reason']);
  const stepSeconds = histogram('step_duration_seconds', 'Duration of the steps.', {
    buckets: STEP_BUCKETS,
    labelNames: ['step', 'result'],
  });
  const calls = counter('upstream_calls_total', 'Calls to Vonage.', ['api', 'status']);
  const callSeconds = histogram('upstream_duration_seconds', 'Duration of calls to Vonage.', {
    buckets: STEP_BUCKETS,
    labelNames: ['api'],
  });
  const refusals = counter('limit_refusals_total', 'Requests that limits refused.', ['limit']);
  const sends = counter('paid_sends_total', 'Messages that Vonage accepted or sent.', ['channel']);
  const storeErrors = counter('store_errors_total', 'Commands of Redis that failed.', ['operation']);
  const storeSeconds = histogram('store_duration_seconds', 'Duration of commands of Redis.', {
    buckets: STORE_BUCKETS,
    labelNames: ['operation'],
  });

  // Every series starts at 0, because a rate cannot show the first increase of a missing series.
  began.inc({ engine }, 0);
  for (const reason of REASONS) logins.inc({ engine, channel: 'silent_auth', outcome: 'failed', reason }, 0);
  for (const api of APIS) for (const status of STATUSES) calls.inc({ api, status }, 0);
  for (const channel of ['silent_auth', ...CODE_CHANNELS])
    logins.inc({ engine, channel, outcome: 'completed', reason: '' }, 0);
  for (const limit of LIMITS) refusals.inc({ limit }, 0);
  for (const channel of CODE_CHANNELS) sends.inc({ channel }, 0);
  for (const reason of MESSAGE_FAILURES) steps.inc({ step: 'webhook', outcome: 'ok', reason }, 0);
  for (const operation of OPERATIONS) storeErrors.inc({ operation }, 0);

  return {
    began: () => began.inc({ engine }),
    step({ step, outcome, reason, status, ms }) {
      steps.inc({ step, outcome, reason });
      const result = status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed';
      stepSeconds.observe({ step, result }, ms / 1000);
    },
    ended: (channel, outcome, reason) => logins.inc({ engine, channel, outcome, reason }),
    called(api, status, ms) {
      calls.inc({ api, status });
      callSeconds.observe({ api }, ms / 1000);
    },
    refused: (limit) => refusals.inc({ limit }),
    sent: (channel) => sends.inc({ channel }),
    stored(operation, failed, ms) {
      if (failed) storeErrors.inc({ operation });
      storeSeconds.observe({ operation }, ms / 1000);
    },
  };
}

export function createMetrics(engine: string) {
  const registry = new Registry();
  watchProcess(registry);
  /** Answers only `/metrics`. It needs a port of its own, because it has no access control. */
  const listener: RequestListener = (req, res) => {
    const isScrape = ['GET', 'HEAD'].includes(req.method ?? '') && req.url?.split('?')[0] === '/metrics';
    if (!isScrape) return void res.writeHead(404).end();
    const headers = { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' };
    registry.metrics().then(
      (text) => res.writeHead(200, headers).end(text),
      (error: unknown) => res.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error)),
    );
  };
  return {
    meter: createMeter(registry, engine),
    watchStore: (ping: () => Promise<void>) => watchStore(registry, ping),
    listener,
  };
}
