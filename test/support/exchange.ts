import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERRORS, type ErrorCode } from '../../src/core/errors.js';
import { answersTo, faultsOf, find, type Answer, type Header } from './contract.js';

/** A request and its answer, as the server sent it. */
export interface Exchange {
  method: string;
  path: string;
  /** The body of the request, if the app parsed it as JSON. */
  sent: unknown;
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** Headers that any answer may have: of HTTP, caches, CORS and browser security. */
const EVERYWHERE =
  /^(?:date|connection|keep-alive|transfer-encoding|vary|etag|link|accept-ranges|last-modified|cache-control|content-.*|cross-origin-.*|access-control-.*|origin-agent-cluster|referrer-policy|strict-transport-security|x-(?:content-type-options|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies|xss-protection))$/;

/** How an exchange violates the contract. */
function disagreements(exchange: Exchange): string[] {
  const { method, path, status, headers } = exchange;
  // Browsers send preflights by themselves (WHATWG Fetch, CORS-preflight fetch).
  if (method === 'OPTIONS' && status === 204) return [];
  const answers = answersTo(method, path);
  const answer = answers[status] ?? answers['default'];
  if (answer === undefined) return [`${status} is not declared`];
  const isPart = Object.keys(answer).length === 0;
  return [
    ...(isPart ? [] : headerFaults(answer.headers ?? {}, headers)),
    ...(isPart ? [] : bodyFaults(answer, exchange)),
    ...requestFaults(exchange),
  ];
}

function headerFaults(declared: Record<string, Header>, headers: Record<string, unknown>): string[] {
  const known = new Map(Object.entries(declared).map(([name, header]) => [name.toLowerCase(), header]));
  const missing = [...known].filter(([name, { required }]) => required && headers[name] === undefined);
  const unknown = Object.keys(headers).filter((name) => !known.has(name) && !EVERYWHERE.test(name));
  const wrong = [...known].flatMap(([name, { schema }]) =>
    [headers[name] ?? []]
      .flat()
      .flatMap((value) => faultsOf(schema, schema['type'] === 'integer' ? Number(value) : value))
      .map((fault) => `header ${name}:${fault}`),
  );
  return [
    ...missing.map(([name]) => `header ${name} is missing`),
    ...unknown.map((name) => `header ${name} is not declared`),
    ...wrong,
  ];
}

function bodyFaults(answer: Answer, { status, headers, body }: Exchange): string[] {
  const type = headers['content-type'];
  if (answer.content === undefined) return body === '' ? [] : ['a body is not declared'];
  const content = answer.content[String(type)];
  if (content === undefined) return [`content type ${String(type)} is not declared`];
  if (!/json$/.test(String(type))) return [];
  const json = JSON.parse(body) as { error?: ErrorCode; status?: unknown };
  const faults = faultsOf(content.schema, json).map((fault) => `body${fault}`);
  if (json.error === undefined) return faults;
  return json.status === status && ERRORS[json.error][0] === status
    ? faults
    : [...faults, `${json.error} is not answered with ${status}`];
}

/** How an accepted request violates the contract. */
function requestFaults({ method, path, sent, status }: Exchange): string[] {
  const schema = find(method, path)?.requestBody?.content['application/json']?.schema;
  if (schema === undefined || status >= 300 || typeof sent !== 'object') return [];
  return faultsOf(schema, sent).map((fault) => `request${fault}`);
}

/** Records one exchange. Calls `heard` before the client can have read the answer. */
export function listenIn(
  req: IncomingMessage,
  res: ServerResponse,
  heard: (exchange: Exchange) => void,
): void {
  const [write, end] = [res.write.bind(res), res.end.bind(res)];
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  const method = req.method ?? '';
  const path = (req.url ?? '').split('?')[0] ?? '';
  res.write = ((chunk: unknown, ...rest: unknown[]) => {
    keep(chunk);
    return Reflect.apply(write, undefined, [chunk, ...rest]);
  }) as typeof write;
  res.end = ((chunk: unknown, ...rest: unknown[]) => {
    keep(chunk);
    const ended = Reflect.apply(end, undefined, [chunk, ...rest]);
    const { body: sent } = req as { body?: unknown };
    const body = Buffer.concat(chunks).toString();
    heard({ method, path, sent, status: res.statusCode, headers: res.getHeaders(), body });
    return ended;
  }) as typeof end;
}

/** Violations of the contract since the last test. */
export const broken: string[] = [];

/** Records the violations of an exchange. */
export function hold(exchange: Exchange): void {
  const faults = disagreements(exchange);
  if (faults.length === 0) return;
  const { method, path, status, body } = exchange;
  broken.push(`${method} ${path}: ${status} ${body.slice(0, 300)}: ${faults.join('; ')}`);
}
