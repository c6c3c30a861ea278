import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { ERRORS, LoginError } from '../errors.js';
import { problemOf } from './problem.js';
import type { Messages } from './prototypes.js';

export interface Listening {
  port: number;
  /** Takes no new connection, lets requests under way finish for at most `graceMs`, then cuts off what is left. */
  drain(graceMs: number): Promise<void>;
}

/**
 * @param port 0 for a free one
 * @param host the address to listen on; left out, all of them
 * @param messages what requests and responses are made with
 * @throws the error of the socket, such as `EADDRINUSE`
 */
export async function listen(
  handler: RequestListener,
  port: number,
  docsUrl: string,
  { host, messages = {} }: { host?: string; messages?: Messages } = {},
): Promise<Listening> {
  // A request without a host, and one that expects what we do not know, are refused where all others are: by the app.
  const server = createServer(
    { ...messages, connectionsCheckingInterval: 1000, requireHostHeader: false },
    handler,
  );
  server.on('checkExpectation', handler);
  // Without this Node leaves out the headers beyond two thousand. Their size is bounded in any case.
  server.maxHeadersCount = 0;
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  // Longer than the minute after which most proxies drop an idle connection, so that it is never us who drops one in use.
  server.keepAliveTimeout = 65_000;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseUnreadable(error, socket, docsUrl),
  );
  server.on('connect', (_req, socket: Socket) => refuse(NO_TUNNEL, socket, docsUrl));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, drain: (graceMs) => drain(server, graceMs) };
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection becomes idle only when its last answer is out, and a kept-alive one would hold us for a minute.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
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
  // Node would go on to read: what arrives behind a refusal was handled, though nobody could be answered any more.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const NOT_HTTP = new LoginError('invalid_request', 'This is not HTTP.');
const NO_TUNNEL = new LoginError('invalid_request', 'There is no tunnel here.');

const UNREADABLE: Record<string, LoginError> = {
  HPE_HEADER_OVERFLOW: new LoginError(
    'payload_too_large',
    'The URL and the headers have at most 16 KiB together.',
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new LoginError(
    'request_timeout',
    'The whole request has to arrive within 15 seconds.',
  ),
};
