import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { createMetrics } from '../../src/observability/metrics.js';
import { readSamples, sum, type Sample } from '../../src/tools/report.js';
import { meteredStore } from '../../src/observability/observability.js';
import { startSystem, type System, type SystemOptions } from './system.js';

export interface CountedSystem extends System {
  metrics: string;
  scrape(): Promise<Sample[]>;
  /** The sum of a metric with these labels. */
  count(name: string, labels?: Record<string, string>): Promise<number>;
}

/** The product with metrics on their own port. */
export async function startCountedSystem(options: SystemOptions = {}): Promise<CountedSystem> {
  const engine = options.env?.['SILENT_AUTH'] ?? 'network-enablement';
  const counting = createMetrics(engine);
  const { meter } = counting;
  const { through = (store) => store } = options;
  const system = await startSystem({
    ...options,
    watchers: { meter },
    through: (store) => meteredStore(through(store), meter),
  });
  counting.watchStore(() => system.store.ping());
  const server = createServer(counting.listener).listen(0);
  const metrics = `http://localhost:${(server.address() as AddressInfo).port}/metrics`;
  const scrape = async () => readSamples(await (await fetch(metrics)).text());
  return {
    ...system,
    metrics,
    scrape,
    count: async (name, labels) => sum(await scrape(), name, labels),
    async stop() {
      server.close();
      server.closeAllConnections();
      await system.stop();
    },
  };
}
