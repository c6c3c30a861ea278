import {
  IncomingMessage,
  ServerResponse,
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import type { Express } from 'express';
import type { AddressInfo, Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { ERRORS, LoginError } from '../core/errors.js';
import { problemOf } from './problems.js';

export type Messages = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Classes of Node's requests and responses that are Express's from the beginning. Express sets the prototypes of each of them as
 * it comes in, which throws away what Node 20 and 22 have compiled for them; setting what is there already costs nothing.
 */
export function messagesOf(app: Express): Messages {
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  app.request = taking(Request.prototype, app.request);
  app.response = taking(Response.prototype, app.response);
  return { IncomingMessage: Request, ServerResponse: Response as typeof ServerResponse };
}

/** `prototype` with all that `other`, and what stands between it and Node's own, has. */
function taking<T extends object>(prototype: object, other: T): T {
  const parent: unknown = Object.getPrototypeOf(other);
  if (typeof parent === 'object' && parent !== null && !isOfNode(parent)) taking(prototype, parent);
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(other)) as T;
}

const isOfNode = (prototype: object): boolean =>
  prototype === IncomingMessage.prototype || prototype === ServerResponse.prototype;

export interface Listening {
  port: number;
  /** Takes no new connection, lets requests under way finish for at most `graceMs`, then cuts off what is left. */
  drain(graceMs: number): Promise<void>;
}

/**
 * Connections that wait to be accepted, as far as the system allows (`net.core.somaxconn`). Node
 * accepts one in each turn of its loop. A client that finds the queue full is told nothing, and its
 * system tries again after a second, then two, then four.
 */
const BACKLOG = 4096;

export interface ListenOptions {
  /** 0 for a free one. */
  port: number;
  /** The address to listen on; by default all of them. */
  host?: string;
  /** The URL of docs/errors.md, for the `type` of problems. */
  docsUrl: string;
  /** What requests and responses are made with. */
  messages?: Messages;
  /** Seconds for which an idle connection is kept; left out, as long as Node keeps it. */
  keepAliveSeconds?: number;
}

/** @throws the error of the socket, such as `EADDRINUSE` */
export async function listen(
  handler: RequestListener,
  { port, host, docsUrl, messages = {}, keepAliveSeconds }: ListenOptions,
): Promise<Listening> {
  const inTurn = createTurns();
  const answer: RequestListener = (req, res) => {
    if (res.socket !== null) return handler(req, res);
    closeWith(req.socket, res);
    inTurn(() => {
      if (!req.socket.destroyed) handler(req, res);
    });
  };
  // A request without a host, and one that expects what we do not know, are refused where all others are: by the app.
  const server = createServer(
    { ...messages, connectionsCheckingInterval: 1000, requireHostHeader: false },
    answer,
  );
  server.on('checkExpectation', answer);
  // Without this Node leaves out the headers beyond two thousand. Their size is bounded in any case.
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
  return { port: (server.address() as AddressInfo).port, drain: (graceMs) => drain(server, graceMs) };
}

/** Requests that a client may send before the first is answered. Beyond, its connection is cut. */
const MAX_PIPELINED = 1000;

/** The responses of a connection that wait behind another one. */
const waiting = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Lets a response that waits behind another one (pipelining) emit `close` when the connection ends.
 * It has no socket yet, so Node emits nothing for it, and what that event releases would be held
 * for ever.
 */
function closeWith(socket: Socket, res: ServerResponse): void {
  const responses = waiting.get(socket) ?? new Set();
  if (!waiting.has(socket)) {
    waiting.set(socket, responses);
    // In the next tick, when those for which Node emits `close` itself are no longer among them.
    const closeAll = (): void => responses.forEach((each) => each.destroy().emit('close'));
    socket.once('close', () => process.nextTick(closeAll));
  }
  responses.add(res);
  res.once('close', () => responses.delete(res));
  if (responses.size > MAX_PIPELINED) socket.destroy();
}

/**
 * Does one work in each turn of the loop, in their order. For requests that wait behind another one
 * on their connection: all at once, they would hold up everybody who sends one at a time.
 */
function createTurns(): (work: () => void) => void {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    void last.then(work);
  };
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection becomes idle only when its last answer is out, and would then be kept alive.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      // Connections that were cut off emit `close` after the server, at the end of this turn.
      setImmediate(() => setImmediate(resolve));
    });
  });
}

/** Answers what Node could not read as a request, which never reaches the app. */
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
  // Without this Node reads on, and handles a request that arrives after its refusal.
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
