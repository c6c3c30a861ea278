import type { RequestListener } from 'node:http';
import { Registry } from 'prom-client';
import type { Meter } from '../telemetry.js';
import { createMeter } from './meter.js';
import { watchProcess, watchStore } from './process.js';

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
