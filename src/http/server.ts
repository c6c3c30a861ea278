import { randomUUID } from 'node:crypto';
import {
  IncomingMessage,
  ServerResponse,
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Express } from 'express';
import { ERRORS, LoginError } from '../core/errors.js';
import { problemOf } from './problems.js';

export type Messages = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Saves 100 of 140 µs a request on Node 20 and 22, an eighth of a login; on Node 24 nothing.
 * Express sets the prototype of each request and response, for which Node 20 and 22 discard
 * compiled code. Requests and responses of these classes have that prototype already.
 */
export function messagesOf(app: Express): Messages {
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  app.request = copyTo(Request.prototype, app.request);
  app.response = copyTo(Response.prototype, app.response);
  return { IncomingMessage: Request, ServerResponse: Response as typeof ServerResponse };
}

function copyTo<T extends object>(prototype: object, other: T): T {
  const parent: unknown = Object.getPrototypeOf(other);
  if (typeof parent === 'object' && parent !== null && !isOfNode(parent)) copyTo(prototype, parent);
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(other)) as T;
}

const isOfNode = (prototype: object): boolean =>
  prototype === IncomingMessage.prototype || prototype === ServerResponse.prototype;

/** At most `net.core.somaxconn`. Node accepts one connection per turn of its loop. */
const BACKLOG = 4096;

export interface ListenOptions {
  /** 0 for a free one. */
  port: number;
  /** Default: all addresses. */
  host?: string | undefined;
  /** The URL of docs/errors.md, for the `type` of problems. */
  docsUrl: string;
  messages?: Messages;
  /** How long an idle connection is kept. Default: Node's. */
  keepAliveSeconds?: number;
}

export type Listening = Awaited<ReturnType<typeof listen>>;

/** @throws the error of the socket, such as `EADDRINUSE` */
export async function listen(
  handler: RequestListener,
  { port, host, docsUrl, messages = {}, keepAliveSeconds }: ListenOptions,
) {
  const queue = createQueue();
  let isClosing = false;
  const answer: RequestListener = (req, res) => {
    if (isClosing) res.shouldKeepAlive = false;
    req.url = originForm(req.url ?? '');
    if (res.socket !== null) return handler(req, res);
    closeWith(req.socket, res);
    queue(() => {
      if (waitingBytes(req.socket) > MAX_WAITING_BYTES) req.socket.destroy();
      if (!req.socket.destroyed) handler(req, res);
    });
  };
  // The app refuses requests without `Host`, or with an unknown `Expect`, in its own format.
  const server = createServer(
    { ...messages, connectionsCheckingInterval: 1000, requireHostHeader: false },
    answer,
  );
  server.on('checkExpectation', answer);
  // Otherwise Node drops headers beyond 2,000. Their size is limited in any case.
  server.maxHeadersCount = 0;
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  if (keepAliveSeconds !== undefined) server.keepAliveTimeout = keepAliveSeconds * 1000;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseUnreadable(error, socket, docsUrl),
  );
  server.on('connect', (_req, socket: Socket) => refuse(NO_TUNNEL, socket, docsUrl));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port, host, backlog: BACKLOG }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** Goes on answering, and closes each connection after its next answer. */
    closeAfterAnswers: (): void => void (isClosing = true),
    /** Stops accepting connections, and closes those that are still open after `graceMs`. */
    drain: (graceMs: number): Promise<void> => drain(server, graceMs),
  };
}

/**
 * The path and query of an absolute target (RFC 9112 section 3.2.2). Express leaves one that it
 * cannot parse, such as `http://[::1`, to Node's default: a page without our headers.
 */
const originForm = (target: string): string => target.replace(/^[a-z]+:\/\/[^/?#]*\/?/i, '/');

/** Unanswered requests of one connection, beyond which it is closed. */
const MAX_PIPELINED = 1000;

/** Answers that wait behind another one, beyond which a connection is closed: 4 KiB for each. */
const MAX_WAITING_BYTES = MAX_PIPELINED * 4096;

const waiting = new WeakMap<Socket, Set<ServerResponse>>();

/** What a client that reads nothing makes this process keep. */
const waitingBytes = (socket: Socket): number =>
  [...(waiting.get(socket) ?? [])].reduce((sum, { writableLength }) => sum + writableLength, 0);

/**
 * Makes a pipelined response emit `close` when the connection ends. It has no socket yet, so Node
 * emits nothing, and what the event releases would leak.
 */
function closeWith(socket: Socket, res: ServerResponse): void {
  const responses = waiting.get(socket) ?? new Set();
  if (!waiting.has(socket)) {
    waiting.set(socket, responses);
    // In the next tick, after the responses for which Node emits `close` itself are removed.
    const closeAll = (): void => responses.forEach((each) => each.destroy().emit('close'));
    socket.once('close', () => process.nextTick(closeAll));
  }
  responses.add(res);
  res.once('close', () => responses.delete(res));
  // A file is otherwise closed when the socket of its response ends, and this one has none yet.
  res.on('pipe', (source: Readable) => {
    if (res.destroyed) source.destroy();
    else res.once('close', () => source.destroy());
  });
  if (responses.size > MAX_PIPELINED) socket.destroy();
}

/** Runs one pipelined request per turn of the loop, so that they do not delay other clients. */
function createQueue(): (work: () => void) => void {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    void last.then(work);
  };
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection becomes idle after its last answer, and would then be kept alive.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      // Connections that were closed emit `close` after the server, at the end of this turn.
      setImmediate(() => setImmediate(resolve));
    });
  });
}

function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, docsUrl: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  refuse(UNREADABLE[error.code ?? ''] ?? NOT_HTTP, socket, docsUrl);
}

function refuse(refusal: LoginError, socket: Socket, docsUrl: string): void {
  const requestId = randomUUID();
  const body = JSON.stringify(problemOf(refusal, docsUrl, requestId));
  const head = [
    `HTTP/1.1 ${refusal.status} ${ERRORS[refusal.code][1]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  // After CONNECT, Node listens to no error of the socket, and one would end the process.
  socket.on('error', () => undefined);
  // Otherwise Node would go on reading, and handle the next request.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const NOT_HTTP = new LoginError('invalid_request', 'The request is not valid HTTP.');
const NO_TUNNEL = new LoginError('invalid_request', 'CONNECT is not supported.');

const UNREADABLE: Record<string, LoginError> = {
  HPE_HEADER_OVERFLOW: new LoginError(
    'payload_too_large',
    'The URL and headers together must not exceed 16 KiB.',
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new LoginError(
    'request_timeout',
    'The request did not arrive completely within 15 seconds.',
  ),
};
