import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ErrorCode, SilentFailure } from '../core/errors.js';
import { RATES } from '../config/limits.js';
import type { Meter } from '../core/world.js';
import type { RequestListener } from 'node:http';

/**
 * How the process is: what prom-client knows of Node (memory, garbage, lag of the event loop), and how much of its time the event loop
 * is at work. That is a counter, so that a rate of it is right whoever asks, and however often.
 */
export function watchProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const spent = new Counter({
    name: 'silent_auth_event_loop_seconds_total',
    help: 'Time of the event loop: active, or idle with nothing to do.',
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

/** Whether the store takes writes, found out by asking when somebody wants to know. */
export function watchStore(registry: Registry, ping: () => Promise<void>): void {
  const up = new Gauge({
    name: 'silent_auth_store_up',
    help: 'Whether Redis takes writes: 1, or 0.',
    registers: [registry],
    async collect() {
      up.set(
        await ping().then(
          () => 1,
          () => 0,
        ),
      );
    },
  });
}

/** Seconds. The deadlines of calls to Vonage are 2.5, 3 and 5. */
const OF_STEPS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3, 5];
/** Seconds. Redis is given up after half of one. */
const OF_THE_STORE = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

/** Every limit there is, so that each has a number before it first refuses. */
const LIMITS = [...Object.keys(RATES), 'send-all', 'upstream-per-second', 'upstream-pause', 'overload'];

/** What is asked of the store. */
const OPERATIONS = [
  ...['set', 'get', 'take', 'delete', 'deleteIf', 'replace', 'expire', 'increment', 'spend', 'note', 'ping'],
];

/** Why silence ends without success. */
const REASONS: readonly (SilentFailure | ErrorCode | 'number_mismatch')[] = [
  ...(['number_mismatch', 'not_on_cellular', 'denied', 'number_not_supported', 'operator_error'] as const),
  ...(['upstream_error', 'upstream_timeout', 'unavailable'] as const),
  ...(['step_up_required', 'login_refused', 'too_many_attempts', 'internal_error'] as const),
];

/** What is called, and what comes of it. */
const APIS = ['network-enablement', 'token', 'number-verification', 'verify'];
const STATUSES = ['2xx', '4xx', '429', '5xx', 'timeout', 'connection'];

/**
 * Counts for Prometheus. Names and units are those of its conventions (prometheus.io/docs/practices/naming); docs/operating.md
 * has them in a table.
 * @param engine how logins are silent here
 */
export function createMeter(registry: Registry, engine: string): Meter {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `silent_auth_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    { buckets, labelNames }: { buckets: number[]; labelNames: L[] },
  ) => new Histogram({ name: `silent_auth_${name}`, help, buckets, labelNames, registers });

  const began = counter('logins_begun_total', 'Logins that began.', ['engine']);
  const logins = counter('logins_total', 'Ways of logins, silence or a message, that came to their end.', [
    'engine',
    'channel',
    'outcome',
    'reason',
  ]);
  const steps = counter('steps_total', 'Steps of logins.', ['step', 'outcome', 'reason']);
  const stepSeconds = histogram('step_duration_seconds', 'How long steps took.', {
    buckets: OF_STEPS,
    labelNames: ['step', 'result'],
  });
  const calls = counter('upstream_calls_total', 'Calls to Vonage.', ['api', 'status']);
  const callSeconds = histogram('upstream_duration_seconds', 'How long calls to Vonage took.', {
    buckets: OF_STEPS,
    labelNames: ['api'],
  });
  const refusals = counter('limit_refusals_total', 'What limits refused.', ['limit']);
  const sends = counter('paid_sends_total', 'Messages that Vonage took an order for, or sent by itself.', [
    'channel',
  ]);
  const storeErrors = counter('store_errors_total', 'Commands that Redis did not answer well.', [
    'operation',
  ]);
  const storeSeconds = histogram('store_duration_seconds', 'How long Redis took.', {
    buckets: OF_THE_STORE,
    labelNames: ['operation'],
  });

  // What never was has a number too: a rate cannot be seen to rise from nothing.
  began.inc({ engine }, 0);
  for (const reason of REASONS) logins.inc({ engine, channel: 'silent_auth', outcome: 'failed', reason }, 0);
  for (const api of APIS) for (const status of STATUSES) calls.inc({ api, status }, 0);
  for (const channel of ['silent_auth', 'sms', 'voice'])
    logins.inc({ engine, channel, outcome: 'completed', reason: '' }, 0);
  for (const limit of LIMITS) refusals.inc({ limit }, 0);
  for (const channel of ['sms', 'voice']) sends.inc({ channel }, 0);
  steps.inc({ step: 'webhook', outcome: 'ok', reason: 'blocked' }, 0);
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

export interface Metrics {
  meter: Meter;
  /** Adds whether a store answers. */
  watchStore(ping: () => Promise<void>): void;
  /** `GET /metrics`, and nothing else, for a port of its own: whoever reaches it is told everything. */
  listener: RequestListener;
}

/** Everything that is counted, for Prometheus. @param engine how logins are silent here */
export function createMetrics(engine: string): Metrics {
  const registry = new Registry();
  watchProcess(registry);
  return {
    meter: createMeter(registry, engine),
    watchStore: (ping) => watchStore(registry, ping),
    listener(req, res) {
      const isAsked = req.method === 'GET' && req.url?.split('?')[0] === '/metrics';
      if (!isAsked) return void res.writeHead(404).end();
      const headers = { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' };
      registry.metrics().then(
        (text) => res.writeHead(200, headers).end(text),
        (error: unknown) => res.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error)),
      );
    },
  };
}
