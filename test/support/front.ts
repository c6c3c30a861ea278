import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { newCa } from './certificates.js';

/** An answer that goes back, to be changed on its way. Headers are names and values in turn, as they were spelt. */
export interface Passing {
  path: string;
  status: number;
  headers: string[];
  body: Buffer;
}

/** How a proxy is set up. Each thing may be wrong. */
export interface Habits {
  tls?: ServerOptions;
  /** Changes the headers of a request. */
  request?: (headers: IncomingMessage['headers'], path: string) => void;
  /** Answers by itself instead of the server. */
  instead?: (req: IncomingMessage) => Passing | undefined;
  answer?: (passing: Passing) => void;
  /** How an answer is sent, when it is not sent at once. */
  deliver?: (res: ServerResponse, passing: Passing) => void;
}

/** What ends TLS in front of a server, as nginx would: it adds the address of the client, and otherwise passes on what comes. */
export interface Front {
  url: string;
  port: number;
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** Whom the certificates of all fronts are from. */
export const ca = newCa();
const certificate = ca.issue();

const send = (res: ServerResponse, { status, headers, body }: Passing): void =>
  void res.writeHead(status, headers).end(body);

export async function openFront({
  tls,
  request: change,
  instead,
  answer,
  deliver = send,
}: Habits = {}): Promise<Front> {
  let target = 0;
  const pass = (req: IncomingMessage, res: ServerResponse): void => {
    const path = req.url ?? '/';
    const own = instead?.(req);
    if (own) return deliver(res, own);
    const chain = [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', ');
    const headers: IncomingMessage['headers'] = { ...req.headers, 'x-forwarded-for': chain };
    change?.(headers, path);
    const inner = request(
      { port: target, host: '127.0.0.1', method: req.method ?? 'GET', path, headers },
      (from) => {
        const chunks: Buffer[] = [];
        from
          .on('data', (chunk: Buffer) => void chunks.push(chunk))
          .on('end', () => {
            const passing = {
              ...{ path, status: from.statusCode ?? 502, headers: [...from.rawHeaders] },
              body: Buffer.concat(chunks),
            };
            answer?.(passing);
            deliver(res, passing);
          });
      },
    );
    inner.on('error', () => res.destroy());
    req.pipe(inner);
  };
  const server: Server & { closeAllConnections(): void } = createServer({ ...certificate, ...tls }, pass);
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    port,
    leadTo: (to) => void (target = to),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether this is the name of a header, in a list of names and values. */
const isName = (at: number): boolean => at % 2 === 0;

/** Spells the names of headers in lower case, as Envoy does. */
export const lowerCase = ({ headers }: Passing): void =>
  headers.forEach((text, at) => {
    if (isName(at)) headers[at] = text.toLowerCase();
  });

/** Changes the value of a header; one that becomes undefined goes. */
export function rewrite(passing: Passing, name: string, change: (value: string) => string | undefined): void {
  const { headers } = passing;
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if (headers[at]?.toLowerCase() !== name) continue;
    const value = change(headers[at + 1] ?? '');
    if (value === undefined) headers.splice(at, 2);
    else headers[at + 1] = value;
  }
}
