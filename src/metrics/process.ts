import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';

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
