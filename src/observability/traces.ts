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
import type { Attributes, Span } from '../core/world.js';
import type { TraceSettings } from '../config/observability.js';

/** The routes that there are spans of: a closed list, since a path that somebody makes up may say anything. */
const TRACED = new Set([
  '/login',
  '/login/next',
  '/callback',
  '/verify',
  '/session',
  '/session/assertion',
  '/logout',
  '/webhooks/verify',
]);

export const isTraced = (path: string): boolean => TRACED.has(path);

/** The methods a span can be named by; what else somebody makes up is `_OTHER` (semantic conventions for HTTP). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Milliseconds that spans not yet sent have when the server stops. */
const LAST_WORDS = 3000;

export interface Traces {
  span: Span;
  /** A span for each request of a login or a session, in which `listener` answers it. */
  around(listener: RequestListener): RequestListener;
  /** The span that is under way, for the log. */
  ids: () => { trace_id?: string; span_id?: string };
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Traces by OpenTelemetry. This file alone loads its SDK, and is loaded only when traces are wanted. Nothing is patched: what there are
 * spans of is told by this server itself, so no library can put a query or a header into one. Vonage is told nothing of a trace.
 * @param believed whether a caller's `traceparent` is that of a proxy of ours; any other is a link, and decides nothing
 * @param failed hears why spans could not be sent
 */
export function createTraces(
  { serviceName, url, believed }: TraceSettings & { believed: boolean },
  failed: (why: string) => void,
): Traces {
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': serviceName }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(telling(new OTLPTraceExporter(url === undefined ? {} : { url }), failed)),
    ],
  });
  provider.register();
  const tracer = provider.getTracer('silent-auth-bff');

  return {
    span: (name, kind, work) =>
      tracer.startActiveSpan(name, { kind: KINDS[kind] }, async (span) => {
        try {
          return await work((attributes) => note(span, attributes));
        } finally {
          span.end();
        }
      }),
    around: (listener) => (req, res) => {
      const path = req.url?.split('?')[0] ?? '';
      if (!isTraced(path)) return listener(req, res);
      const method = METHODS.find((each) => each === req.method) ?? '_OTHER';
      const told = propagation.extract(ROOT_CONTEXT, req.headers);
      const stranger = believed ? undefined : trace.getSpanContext(told);
      const options = {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': path },
        links: stranger ? [{ context: stranger }] : [],
      };
      const parent = believed ? told : ROOT_CONTEXT;
      const span = tracer.startSpan(`${method} ${path}`, options, parent);
      res.once('close', () => {
        const status = res.headersSent ? res.statusCode : 0;
        note(span, {
          'request.id': String(res.getHeader('X-Request-Id')),
          'http.response.status_code': status || undefined,
          'error.type': status === 0 ? 'closed' : status >= 500 ? `${status}` : undefined,
        });
        span.end();
      });
      context.with(trace.setSpan(parent, span), () => listener(req, res));
    },
    ids() {
      const span = trace.getActiveSpan()?.spanContext();
      return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
    },
    async close() {
      const tooLong = new Promise<string>((resolve) => {
        setTimeout(() => resolve('what was left was not taken in time'), LAST_WORDS).unref();
      });
      const ended = provider.shutdown().then(
        () => undefined,
        () => 'what was left was not taken',
      );
      const why = await Promise.race([ended, tooLong]);
      if (why !== undefined) failed(why);
    },
  };
}

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT };

function note(span: OtelSpan, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) span.setAttribute(name, value);
  if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
}

const telling = (exporter: SpanExporter, failed: (why: string) => void): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.error) failed(result.error.message);
      done(result);
    }),
  shutdown: () => exporter.shutdown(),
});
