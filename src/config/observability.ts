import { isIP } from 'node:net';
import type { Reader } from './reader.js';

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
  const port = whole('METRICS_PORT', text, { least: 0, most: 65_535 });
  if (port !== 0 && port === publicPort)
    fail('METRICS_PORT must be another port than PORT: what is counted is not for everybody.');
  return { port, host };
}

export interface TraceSettings {
  serviceName: string;
  /** Where spans go; absent: where the SDK sends them by default. */
  url: string | undefined;
}

/**
 * Whether traces are sent, by the variables of OpenTelemetry ("Environment Variable Specification"). The one difference: there, the
 * exporter `otlp` is the default; here nothing is sent before an exporter or an endpoint is named. Headers, timeouts, samplers and
 * resource attributes are read by its SDK itself.
 */
export function readTraceSettings(
  get: (name: string) => string | undefined,
  fail: (problem: string) => string,
): TraceSettings | undefined {
  /** What is said for traces alone goes before what is said for all. */
  const said = (what: string): { name: string; value: string | undefined } => {
    const [own, common] = [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`];
    const name = get(own) === undefined ? common : own;
    return { name, value: get(name) };
  };
  const [endpoint, protocol] = [said('ENDPOINT'), said('PROTOCOL')];
  const exporter = get('OTEL_TRACES_EXPORTER') ?? (endpoint.value ? 'otlp' : 'none');
  const serviceName = get('OTEL_SERVICE_NAME') ?? 'silent-auth-bff';
  const disabled = get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (disabled || exporter === 'none') return undefined;
  if (exporter !== 'otlp') fail('OTEL_TRACES_EXPORTER must be otlp or none.');
  if (endpoint.value !== undefined && !/^https?:\/\//.test(endpoint.value))
    fail(`${endpoint.name} must be a URL like http://collector:4318.`);
  if (protocol.value !== undefined && protocol.value !== 'http/json')
    fail(
      `${protocol.name}: ${protocol.value} is not spoken here. Set it to http/json, which collectors take at the same port as http/protobuf (4318).`,
    );
  // The one for all is a base; that for traces is used as it is (OpenTelemetry Protocol Exporter, "Endpoint URLs for OTLP/HTTP").
  const isBase = endpoint.name === 'OTEL_EXPORTER_OTLP_ENDPOINT';
  return { serviceName, url: isBase ? endpoint.value?.replace(/\/?$/, '/v1/traces') : endpoint.value };
}
