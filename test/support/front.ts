import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { newCa } from './certificates.js';

/** An answer to change on its way back. Headers alternate names and values, as received. */
export interface Passing {
  path: string;
  status: number;
  headers: string[];
  body: Buffer;
}

/** The behaviour of a proxy, including its faults. */
export interface Habits {
  tls?: ServerOptions;
  /** Changes the headers of a request. */
  request?: (headers: IncomingMessage['headers'], path: string) => void;
  /** Answers instead of the server. */
  instead?: (req: IncomingMessage) => Passing | undefined;
  answer?: (passing: Passing) => void;
  /** Sends the answer, if not in one write. */
  deliver?: (res: ServerResponse, passing: Passing) => void;
}

/** A proxy that ends TLS in front of a server, and appends the client address. */
export interface Front {
  url: string;
  port: number;
  /** Closes all connections. From then on, the proxy has these habits. */
  behave(habits?: Habits): void;
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** The CA of all proxies. */
export const ca = newCa();
const certificate = ca.issue();

const send = (res: ServerResponse, { status, headers, body }: Passing): void =>
  void res.writeHead(status, headers).end(body);

export async function openFront(initial: Habits = {}): Promise<Front> {
  let target = 0;
  let habits = initial;
  const pass = (req: IncomingMessage, res: ServerResponse): void => {
    const { request: change, instead, answer, deliver = send } = habits;
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
  const server = createServer({ ...certificate, ...initial.tls }, pass);
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    port,
    behave(next = {}) {
      habits = next;
      server.closeAllConnections();
      server.setSecureContext({ ...certificate, ...next.tls });
    },
    leadTo: (to) => void (target = to),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether this index of a list of names and values is a name. */
const isName = (at: number): boolean => at % 2 === 0;

/** Spells the names of headers in lower case, as Envoy does. */
export const lowerCase = ({ headers }: Passing): void =>
  headers.forEach((text, at) => {
    if (isName(at)) headers[at] = text.toLowerCase();
  });

/** Changes the value of a header, and removes it if the new value is undefined. */
export function rewrite(passing: Passing, name: string, change: (value: string) => string | undefined): void {
  const { headers } = passing;
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if (headers[at]?.toLowerCase() !== name) continue;
    const value = change(headers[at + 1] ?? '');
    if (value === undefined) headers.splice(at, 2);
    else headers[at + 1] = value;
  }
}
