import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { tracedRoute } from '../src/observability/traces.js';
import { built } from './support/built.js';
import { attributesOf, openCollector, type Received } from './support/collector.js';
import { operations } from './support/contract.js';
import { walk } from './support/device.js';
import { ALICE } from './support/system.js';
import { credentials, endPrograms, LISTENING, node, places, SANDBOX } from './support/programs.js';
import { until } from './support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'traces-'));
/** Of the sandbox, and of one server after another. */
let place: Awaited<ReturnType<typeof places>>;
beforeAll(async () => {
  place = await places();
  await node(built('sandbox/main.js'), { ...place.env, ...credentials() }).said(SANDBOX);
});
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});

/** Prints at exit which packages for metrics and traces are loaded. */
const spy = join(folder, 'spy.cjs');
writeFileSync(
  spy,
  `process.on('exit', () => {
    const names = Object.keys(require.cache).map((path) => /node_modules\\/(@opentelemetry\\/[\\w-]+|prom-client|pino-pretty)\\//.exec(path)?.[1]);
    console.log('LOADED ' + [...new Set(names.filter(Boolean))].sort().join(' '));
  });`,
);

const fileWith = (text: string): string => {
  const path = join(folder, 'setting');
  writeFileSync(path, text);
  return path;
};

const CALLER = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };
const traceparent = `00-${CALLER.trace}-${CALLER.span}-01`;

/** Runs a server, with a login that succeeds and one that fails. */
async function live(more: Record<string, string>) {
  const { base, sandbox, env } = place;
  const server = node(['--require', spy, ...built('main.js')], { ...env, ...credentials(), ...more });
  await server.said(LISTENING);
  const app = supertest.agent(base);
  const begun = await app.post('/login').set({ traceparent }).send({ phone_number: ALICE }).expect(201);
  const home = await walk(String(begun.body.auth_url));
  await app.post('/verify').send({ code: home.json?.['code'] }).expect(200);
  await app.post('/verify').send({ code: '123456' }).expect(400);
  await app.get('/+447700900000?code=x').expect(404);
  await fetch(`${base}/healthz`);
  server.child.kill('SIGTERM');
  const { code, output } = await server.ended;
  expect(code).toBe(0);
  const upstream = (await (await fetch(`${sandbox}/__sandbox/requests`)).json()) as { headers: object }[];
  return {
    output,
    upstream,
    secrets: [String(begun.body.auth_url), String(home.json?.['code']), ...home.hops],
  };
}

const loaded = (output: string) => /^LOADED ?(.*)$/m.exec(output)?.[1];

test('a collector receives the traces of a login, each request with its step and calls, and the last ones when the server stops', async () => {
  const collector = await openCollector();
  try {
    const { output, upstream, secrets } = await live({
      OTEL_EXPORTER_OTLP_ENDPOINT_FILE: fileWith(`${collector.url}/`),
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      METRICS_PORT: '0',
    });
    const spans = collector.spans();
    const named = (name: string) => spans.filter((span) => span.name === name);
    const parentOf = (span: Received | undefined) =>
      spans.find(({ spanId }) => spanId === span?.parentSpanId)?.name;
    expect([...collector.services()]).toEqual(['silent-auth-bff']);
    expect(collector.text()).toContain('deployment.environment.name');

    const [enable] = named('POST network-enablement');
    expect(parentOf(enable)).toBe('login begin');
    expect(parentOf(named('login begin')[0])).toBe('POST /login');
    expect(parentOf(named('POST token')[0])).toBe('login callback');
    expect(parentOf(named('POST number-verification')[0])).toBe('login verify');
    expect(attributesOf(named('POST /login')[0])).toMatchObject({
      'http.route': '/login',
      'http.response.status_code': 201,
    });
    expect(attributesOf(enable)).toMatchObject({
      'vonage.api': 'network-enablement',
      'http.response.status_code': 200,
    });
    expect(named('login verify').map((span) => attributesOf(span)['login.outcome'])).toEqual([
      'ok',
      'invalid_code',
    ]);
    expect(spans.filter(({ status }) => status?.code === 2)).toEqual([]);

    // The trace of an untrusted client is linked, and not joined.
    const [asked] = named('POST /login');
    expect(asked?.traceId).not.toBe(CALLER.trace);
    expect(asked?.links?.map(({ traceId }) => traceId)).toEqual([CALLER.trace]);
    // Log lines contain their trace id.
    expect(output).toContain(`"trace_id":"${asked?.traceId}"`);
    // No trace header is sent to Vonage or the operator.
    expect(upstream.filter(({ headers }) => 'traceparent' in headers || 'baggage' in headers)).toEqual([]);

    expect(collector.text()).not.toMatch(/7700900|Bearer|[?&](?:code|state)=/);
    for (const secret of secrets) expect(collector.text()).not.toContain(secret);
    expect(spans.map(({ name }) => name).filter((name) => /healthz|\+44/.test(name))).toEqual([]);
    expect(loaded(output)).toContain('@opentelemetry/sdk-trace-node');
    expect(loaded(output)).toContain('prom-client');
  } finally {
    collector.close();
  }
});

test('behind a trusted proxy a request joins the trace of its traceparent', async () => {
  const collector = await openCollector();
  try {
    await live({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT_FILE: fileWith(`${collector.url}/v1/traces`),
      ...{ OTEL_SERVICE_NAME: 'login', TRUST_PROXY: '1' },
    });
    const asked = collector.spans().find(({ name }) => name === 'POST /login');
    expect(asked).toMatchObject({ traceId: CALLER.trace, parentSpanId: CALLER.span });
    expect([...collector.services()]).toEqual(['login']);
  } finally {
    collector.close();
  }
});

test('the span of a request ends with its connection, even if its response is queued behind another', async () => {
  const collector = await openCollector();
  const asked: string[] = [];
  const silent = createServer(({ url = '' }) => void asked.push(url)).listen(0);
  try {
    const { base, port, env } = place;
    const upstream = `http://localhost:${(silent.address() as AddressInfo).port}`;
    const all = { ...env, ...credentials(), VONAGE_BASE_URL: upstream };
    const watched = { ...all, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const server = node(built('main.js'), watched);
    await server.said(LISTENING);
    const post = (path: string, body: object) => {
      const text = JSON.stringify(body);
      const head = `POST ${path} HTTP/1.1\r\nHost: ${new URL(base).host}\r\nContent-Type: application/json`;
      return `${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    };
    const socket = connect(port, 'localhost');
    socket.write(post('/login', { phone_number: ALICE }) + post('/verify', { code: '123456' }).repeat(9));
    await until(() => Promise.resolve(asked.length > 0));
    // By then the others have begun, one per event loop turn of the server.
    for (let each = 0; each < 9; each++) await fetch(`${base}/healthz`);
    socket.destroy();
    server.child.kill('SIGTERM');
    await server.ended;
    const names = collector.spans().map(({ name }) => name);
    expect(names.filter((name) => name === 'POST /login')).toHaveLength(1);
    expect(names.filter((name) => name === 'POST /verify')).toHaveLength(9);
  } finally {
    collector.close();
    silent.close();
    silent.closeAllConnections();
  }
});

test('without settings for it, no package for metrics or traces is loaded', async () => {
  const { output } = await live({});
  expect(loaded(output)).toBe('');
  expect(output).not.toContain('trace_id');
});

test('an unreachable collector is logged, and affects neither logins nor the shutdown', async () => {
  const { output } = await live({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:9',
  });
  expect(output).toContain('traces could not be sent');
});

test('exactly the routes of logins and sessions are traced', () => {
  const paths = [...new Set(operations.map(({ path }) => path))];
  expect(tracedRoute('/sessions/Yp1xqk0vJ3mZ8bT4nQw7Rg')).toBe('/sessions/{id}');
  expect(paths.filter((path) => tracedRoute(path) === undefined).sort()).toEqual([
    ...['/', '/.well-known/jwks.json', '/client.js', '/docs', '/errors.md', '/healthz', '/openapi.json'],
    '/readyz',
  ]);
});
