import type { RequestListener } from 'node:http';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  propagation,
  trace,
  type Span as OtelSpan,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { TraceSettings } from '../config/observability.js';
import type { Attributes, Span } from '../core/world.js';

/** The routes with spans: a closed list, because an unknown path may hold personal data. */
const TRACED = new Set([
  '/login',
  '/login/next',
  '/callback',
  '/verify',
  '/session',
  '/session/assertion',
  '/sessions',
  '/sessions/{id}',
  '/logout',
  '/webhooks/verify',
]);

/** The route of a path, without the id of a session; undefined if it has no span. */
export function tracedRoute(path: string): string | undefined {
  const route = path.replace(/^\/sessions\/[^/]+$/, '/sessions/{id}');
  return TRACED.has(route) ? route : undefined;
}

/** The methods in span names; any other is `_OTHER` (semantic conventions for HTTP). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** How long the last spans may take to be sent when the server stops. */
const SHUTDOWN_TIMEOUT_MS = 3000;

/**
 * Traces by OpenTelemetry, whose SDK only this file loads. There is no automatic instrumentation,
 * which could put a query or a header into a span, and no trace header is sent to Vonage.
 * @param settings `isTrusted`: the `traceparent` of a request is the parent of its span; otherwise
 * it becomes a link, and does not decide whether the request is sampled
 * @param failed is called with the reason if spans could not be sent
 */
export function createTraces(
  { serviceName, url, isTrusted }: TraceSettings & { isTrusted: boolean },
  failed: (why: string) => void,
) {
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': serviceName }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(reporting(new OTLPTraceExporter(url === undefined ? {} : { url }), failed)),
    ],
  });
  provider.register();
  const tracer = provider.getTracer('silent-auth-bff');

  const span: Span = (name, kind, work) =>
    tracer.startActiveSpan(name, { kind: KINDS[kind] }, async (active) => {
      try {
        return await work((attributes) => note(active, attributes));
      } finally {
        active.end();
      }
    });

  /** Runs `listener` within a span for each request of a login or a session. */
  const around =
    (listener: RequestListener): RequestListener =>
    (req, res) => {
      const route = tracedRoute(req.url?.split('?')[0] ?? '');
      if (route === undefined) return listener(req, res);
      const method = METHODS.find((each) => each === req.method) ?? '_OTHER';
      const received = propagation.extract(ROOT_CONTEXT, req.headers);
      const linked = isTrusted ? undefined : trace.getSpanContext(received);
      const options = {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route },
        links: linked ? [{ context: linked }] : [],
      };
      const parent = isTrusted ? received : ROOT_CONTEXT;
      const active = tracer.startSpan(`${method} ${route}`, options, parent);
      res.once('close', () => {
        const status = res.headersSent ? res.statusCode : 0;
        note(active, {
          'request.id': String(res.getHeader('X-Request-Id')),
          'http.response.status_code': status || undefined,
          'error.type': status === 0 ? 'closed' : status >= 500 ? `${status}` : undefined,
        });
        active.end();
      });
      context.with(trace.setSpan(parent, active), () => listener(req, res));
    };

  const ids = () => {
    const active = trace.getActiveSpan()?.spanContext();
    return active ? { trace_id: active.traceId, span_id: active.spanId } : {};
  };

  const close = async (): Promise<void> => {
    const timeout = new Promise<string>((resolve) => {
      setTimeout(() => resolve('the last spans timed out'), SHUTDOWN_TIMEOUT_MS).unref();
    });
    const ended = provider.shutdown().then(
      () => undefined,
      () => 'the last spans were refused',
    );
    const why = await Promise.race([ended, timeout]);
    if (why !== undefined) failed(why);
  };
  return { span, around, ids, close };
}

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT };

function note(span: OtelSpan, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) span.setAttribute(name, value);
  if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
}

const reporting = (exporter: SpanExporter, failed: (why: string) => void): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.error) failed(result.error.message);
      done(result);
    }),
  shutdown: () => exporter.shutdown(),
});
