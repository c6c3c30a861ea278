import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A host that the server must not connect to. It counts connections, and answers with success. */
export interface ForeignHost {
  url: string;
  connections(): number;
  stop(): void;
}

export async function openForeignHost(): Promise<ForeignHost> {
  let connections = 0;
  const success = '{"devicePhoneNumberVerified":true,"status":"completed"}';
  const server = createServer((socket) => {
    connections++;
    socket.end(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${success.length}\r\n\r\n${success}`,
    );
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    connections: () => connections,
    stop: () => void server.close(),
  };
}
