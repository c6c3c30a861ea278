import { isIP } from 'node:net';

export interface MetricsSettings {
  port: number;
  /** The address it listens on. */
  host: string;
}

/** @param publicPort where everybody comes in, and nothing is told */
export function readMetricsSettings(
  get: (name: string) => string | undefined,
  publicPort: number,
  fail: (problem: string) => string,
): MetricsSettings | undefined {
  const [text, host = '127.0.0.1'] = [get('METRICS_PORT'), get('METRICS_HOST')];
  if (isIP(host) === 0)
    fail('METRICS_HOST must be an IP address to listen on: 127.0.0.1, or 0.0.0.0 for all of them.');
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    fail('METRICS_PORT must be a port number, 0 to 65535.');
  if (port !== 0 && port === publicPort)
    fail('METRICS_PORT must be another port than PORT: what is counted is not for everybody.');
  return { port, host };
}
