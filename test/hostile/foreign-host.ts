import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Somebody nobody should ever ask. He hears who connects, and says yes to everything. */
export interface ForeignHost {
  url: string;
  heard(): number;
  stop(): void;
}

export async function openForeignHost(): Promise<ForeignHost> {
  let heard = 0;
  const yes = '{"devicePhoneNumberVerified":true,"status":"completed"}';
  const server = createServer((socket) => {
    heard++;
    socket.end(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${yes.length}\r\n\r\n${yes}`,
    );
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    heard: () => heard,
    stop: () => void server.close(),
  };
}
