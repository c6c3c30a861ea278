import { isIP } from 'node:net';
import type { Reader } from '../settings.js';

export interface MetricsSettings {
  port: number;
  /** The address it listens on. */
  host: string;
}

/** @param publicPort where everybody comes in, and nothing is told */
export function readMetricsSettings(
  { get, fail, whole }: Pick<Reader, 'get' | 'fail' | 'whole'>,
  publicPort: number,
): MetricsSettings | undefined {
  const [text, host = '127.0.0.1'] = [get('METRICS_PORT'), get('METRICS_HOST')];
  if (isIP(host) === 0)
    fail('METRICS_HOST must be an IP address to listen on: 127.0.0.1, or 0.0.0.0 for all of them.');
  if (text === undefined) return undefined;
  const port = whole('METRICS_PORT', text, 0, 65_535);
  if (port !== 0 && port === publicPort)
    fail('METRICS_PORT must be another port than PORT: what is counted is not for everybody.');
  return { port, host };
}
