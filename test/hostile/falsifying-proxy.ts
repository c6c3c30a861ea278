import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PATHS } from '../../src/sandbox/http/paths.js';

/** The answer of the sandbox. */
export interface CorrectAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Writes anything to the connection, and closes it. */
export type FalseAnswer = (socket: Socket, correct: CorrectAnswer) => void;

export type Endpoint =
  | 'network-enablement'
  | 'token'
  | 'number-verification'
  | 'start'
  | 'check'
  | 'next'
  | 'cancel';

/** A proxy before the sandbox that can falsify answers. */
export interface FalsifyingProxy {
  url: string;
  placeBefore(sandbox: string): string;
  /**
   * Falsifies the answer to the next request of this kind.
   * @returns when the request has come and the sandbox has answered
   */
  falsifyOnce(endpoint: Endpoint, falseAnswer: FalseAnswer): Promise<void>;
  /** How many connections with a falsified answer are still open. */
  openConnections(): number;
  stop(): void;
}

export async function openFalsifyingProxy(): Promise<FalsifyingProxy> {
  let sandbox = '';
  const waiting: { endpoint: Endpoint; falseAnswer: FalseAnswer; arrived: () => void }[] = [];
  const sockets = new Set<Socket>();
  const falsified = new Set<Socket>();

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const correct = await relay(sandbox, req);
    const at = waiting.findIndex(({ endpoint }) => endpoint === endpointOf(req));
    const [due] = at < 0 ? [] : waiting.splice(at, 1);
    if (due === undefined) return void res.writeHead(correct.status, correct.headers).end(correct.body);
    due.arrived();
    falsified.add(req.socket);
    due.falseAnswer(req.socket, correct);
  };
  const server = createServer((req, res) => void answer(req, res).catch(() => req.socket.destroy()));
  server.on('connection', (socket) => {
    sockets.add(socket);
    // The server resets the connection when it refuses an answer.
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        falsified.delete(socket);
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
      new Promise((arrived) => waiting.push({ endpoint, falseAnswer, arrived })),
    openConnections: () => falsified.size,
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

/** Forwards a request to the sandbox. @param body the body, if it was read already */
export async function relay(sandbox: string, req: IncomingMessage, body?: Buffer): Promise<CorrectAnswer> {
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
