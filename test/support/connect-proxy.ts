import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** How a proxy answers `CONNECT`. */
type Answer = (near: Socket, open: () => void) => void;

const says =
  (status: string): Answer =>
  (near) =>
    void near.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);

export const PROXY_ANSWERS = {
  'opens the tunnel': (_near, open) => open(),
  'refuses with 403': says('403 Forbidden'),
  'requires credentials with 407': says('407 Proxy Authentication Required'),
  'cannot reach Vonage, 502': says('502 Bad Gateway'),
  'closes the connection': (near) => void near.destroy(),
  'resets the connection': (near) => void near.resetAndDestroy(),
  'ends the connection within the status line': (near) => void near.end('HTTP/1.1 20'),
  'does not speak HTTP': (near) => void near.end('SSH-2.0-OpenSSH_9.6\r\n'),
  'never answers': () => undefined,
} satisfies Record<string, Answer>;

/** A forward proxy on loopback. */
export interface ConnectProxy {
  port: number;
  /** The received requests: `host:port`, and the credentials of `Proxy-Authorization`. */
  asked: { to: string; credentials: string | undefined }[];
  answer(how: keyof typeof PROXY_ANSWERS): void;
  /** Resets each open tunnel as soon as data was sent through it. */
  breakTunnels(): void;
  /** Closes all connections, forgets `asked`, and opens tunnels again. */
  reset(): void;
  close(): Promise<void>;
}

export async function openConnectProxy(): Promise<ConnectProxy> {
  let answer: Answer = PROXY_ANSWERS['opens the tunnel'];
  let isBreaking = false;
  const asked: ConnectProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((_req, res) => res.writeHead(400).end());
  server.on('connect', ({ url = '', headers }, near: Socket) => {
    hold(near);
    const [, basic] = /^Basic (.*)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
    asked.push({ to: url, credentials: basic && Buffer.from(basic, 'base64').toString() });
    answer(near, () => {
      const { hostname, port } = new URL(`http://${url}`);
      const far = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
      hold(far);
      far.on('close', () => near.destroy()).on('connect', () => near.write('HTTP/1.1 200 OK\r\n\r\n'));
      far.pipe(near);
      near.on('close', () => far.destroy());
      near.on('data', (chunk: Buffer) => far.write(chunk, () => isBreaking && near.resetAndDestroy()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    answer: (how) => void (answer = PROXY_ANSWERS[how]),
    breakTunnels: () => void (isBreaking = true),
    reset() {
      sockets.forEach((socket) => socket.destroy());
      asked.length = 0;
      isBreaking = false;
      answer = PROXY_ANSWERS['opens the tunnel'];
    },
    async close() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
