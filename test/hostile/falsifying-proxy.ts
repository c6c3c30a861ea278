import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PATHS } from '../../src/sandbox/http/paths.js';

/** What the sandbox answered, before anything was made of it. */
export interface Truth {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Writes what it likes on the connection, and hangs up when it is done. */
export type FalseAnswer = (socket: Socket, truth: Truth) => void;

export type Endpoint =
  'network-enablement' | 'token' | 'number-verification' | 'start' | 'check' | 'next' | 'cancel';

/**
 * Stands before the sandbox: passes requests on and answers back, but for those it was told to
 * falseAnswer to.
 */
export interface FalsifyingProxy {
  url: string;
  /** Where the truth is. */
  placeBefore(sandbox: string): string;
  /**
   * FalseAnswer to the next request of this kind.
   * @returns when it has come, and the truth is known
   */
  falsifyOnce(endpoint: Endpoint, falseAnswer: FalseAnswer): Promise<void>;
  /** How many of the connections on which it lied the server still holds. */
  held(): number;
  stop(): void;
}

export async function openFalsifyingProxy(): Promise<FalsifyingProxy> {
  let sandbox = '';
  const waiting: { endpoint: Endpoint; falseAnswer: FalseAnswer; told: () => void }[] = [];
  const sockets = new Set<Socket>();
  const lied = new Set<Socket>();

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const truth = await relay(sandbox, req);
    const at = waiting.findIndex(({ endpoint }) => endpoint === endpointOf(req));
    const [due] = at < 0 ? [] : waiting.splice(at, 1);
    if (due === undefined) return void res.writeHead(truth.status, truth.headers).end(truth.body);
    due.told();
    lied.add(req.socket);
    due.falseAnswer(req.socket, truth);
  };
  const server = createServer((req, res) => void answer(req, res).catch(() => req.socket.destroy()));
  server.on('connection', (socket) => {
    sockets.add(socket);
    // The server hangs up on a falsifier in the middle of a word.
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        lied.delete(socket);
      });
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;

  return {
    url,
    placeBefore(at) {
      sandbox = at;
      return url;
    },
    falsifyOnce: (endpoint, falseAnswer) =>
      new Promise((told) => waiting.push({ endpoint, falseAnswer, told })),
    held: () => lied.size,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function endpointOf({ method, url = '' }: IncomingMessage): Endpoint | undefined {
  if (url === PATHS.networkEnablement) return 'network-enablement';
  if (url === PATHS.token) return 'token';
  if (url === PATHS.verify) return 'number-verification';
  if (!url.startsWith(PATHS.verifyRequests)) return undefined;
  if (method === 'DELETE') return 'cancel';
  if (url.endsWith('/next_workflow')) return 'next';
  return url === PATHS.verifyRequests ? 'start' : 'check';
}

/** Asks the sandbox what it was asked here. @param body what was read of the request already */
export async function relay(sandbox: string, req: IncomingMessage, body?: Buffer): Promise<Truth> {
  const sent = body ?? (await buffer(req));
  const { method, headers } = req;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(sandbox + (req.url ?? ''), { method, headers }, resolve)
      .on('error', reject)
      .end(sent);
  });
  const { 'content-type': type = 'application/json', 'retry-after': wait, location } = answer.headers;
  return {
    status: answer.statusCode ?? 0,
    headers: {
      'content-type': type,
      ...(wait !== undefined && { 'retry-after': wait }),
      ...(location !== undefined && { location }),
    },
    body: (await buffer(answer)).toString('utf8'),
  };
}
