import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span in the JSON of OTLP (opentelemetry-proto, trace.proto). */
export interface Received {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  links?: { traceId: string }[];
  status?: { code?: number };
}

interface Batch {
  resourceSpans: {
    resource: { attributes: Received['attributes'] };
    scopeSpans: { spans: Received[] }[];
  }[];
}

/** A collector of traces for OTLP over HTTP in JSON. */
export async function openCollector() {
  const bodies: string[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      const isTraces = req.url === '/v1/traces' && req.headers['content-type'] === 'application/json';
      if (isTraces) bodies.push(body);
      res.writeHead(isTraces ? 200 : 404, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const resources = () => bodies.flatMap((body) => (JSON.parse(body) as Batch).resourceSpans);
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    text: () => bodies.join('\n'),
    services: () =>
      new Set(
        resources().flatMap(({ resource }) =>
          resource.attributes.flatMap(({ key, value }) =>
            key === 'service.name' ? [value.stringValue] : [],
          ),
        ),
      ),
    spans: () => resources().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The attributes of a span by name. */
export const attributesOf = (span: Received | undefined) =>
  Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
  );
