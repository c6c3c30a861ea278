import { isIP } from 'node:net';
import { parseUrl, type Reader } from './reader.js';

export function readMetricsSettings({ get, fail, parseWhole }: Reader, publicPort: number) {
  const [text, host = '127.0.0.1'] = [get('METRICS_PORT'), get('METRICS_HOST')];
  if (isIP(host) === 0)
    fail('METRICS_HOST must be an IP address to listen on: 127.0.0.1, or 0.0.0.0 for all.');
  if (text === undefined) return undefined;
  const port = parseWhole('METRICS_PORT', text, { least: 0, most: 65_535 });
  if (port !== 0 && port === publicPort)
    fail('METRICS_PORT must be another port than PORT, because metrics are not public.');
  return { port, host };
}

export interface TraceSettings {
  serviceName: string;
  /** Where spans are sent. Absent: the default of the SDK. */
  url: string | undefined;
}

/**
 * Whether traces are sent, by OpenTelemetry's "Environment Variable Specification", except that the
 * exporter `otlp` is not the default: nothing is sent without an exporter or an endpoint. The SDK
 * itself reads headers, timeouts, samplers and resource attributes.
 */
export function readTraceSettings({ get, fail }: Reader): TraceSettings | undefined {
  /** Variables for traces take precedence over those for all signals. */
  const find = (what: string): { name: string; value: string | undefined } => {
    const [forTraces, forAll] = [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`];
    const name = get(forTraces) === undefined ? forAll : forTraces;
    return { name, value: get(name) };
  };
  const [endpoint, protocol] = [find('ENDPOINT'), find('PROTOCOL')];
  const exporter = get('OTEL_TRACES_EXPORTER') ?? (endpoint.value ? 'otlp' : 'none');
  const serviceName = get('OTEL_SERVICE_NAME') ?? 'silent-auth-bff';
  const disabled = get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (disabled || exporter === 'none') return undefined;
  if (exporter !== 'otlp') fail('OTEL_TRACES_EXPORTER must be otlp or none.');
  if (endpoint.value !== undefined && !/^https?:$/.test(parseUrl(endpoint.value)?.protocol ?? ''))
    fail(`${endpoint.name} must be a URL like http://collector:4318.`);
  if (protocol.value !== undefined && protocol.value !== 'http/json')
    fail(
      `${protocol.name}: ${protocol.value} is not supported. Set it to http/json, which collectors accept at the same port as http/protobuf (4318).`,
    );
  // Only the endpoint for all signals is a base (OTLP Exporter, "Endpoint URLs for OTLP/HTTP").
  const isBase = endpoint.name === 'OTEL_EXPORTER_OTLP_ENDPOINT';
  return { serviceName, url: isBase ? endpoint.value?.replace(/\/?$/, '/v1/traces') : endpoint.value };
}
