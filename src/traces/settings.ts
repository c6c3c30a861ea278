export interface TraceSettings {
  serviceName: string;
}

/**
 * Whether traces are sent, by the variables of OpenTelemetry ("Environment Variable Specification"). The one difference: there, the
 * exporter `otlp` is the default; here nothing is sent before an exporter or an endpoint is named. Endpoint, headers, timeouts, samplers and
 * resource attributes are read by its SDK itself.
 */
export function readTraceSettings(
  get: (name: string) => string | undefined,
  fail: (problem: string) => string,
): TraceSettings | undefined {
  const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].map(get);
  const exporter = get('OTEL_TRACES_EXPORTER') ?? (endpoints.some(Boolean) ? 'otlp' : 'none');
  const serviceName = get('OTEL_SERVICE_NAME') ?? 'silent-auth-bff';
  const protocols = [get('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'), get('OTEL_EXPORTER_OTLP_PROTOCOL')];
  const disabled = get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (disabled || exporter === 'none') return undefined;
  if (exporter !== 'otlp') fail('OTEL_TRACES_EXPORTER must be otlp or none.');
  for (const endpoint of endpoints) {
    if (endpoint !== undefined && !/^https?:\/\//.test(endpoint))
      fail('OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://collector:4318.');
  }
  const protocol = protocols.find((each) => each !== undefined) ?? 'http/json';
  if (protocol !== 'http/json')
    fail(
      `OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not spoken here. Set it to http/json, which collectors take at the same port as http/protobuf (4318).`,
    );
  return { serviceName };
}
