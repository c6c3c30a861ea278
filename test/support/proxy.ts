import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A connection through the proxy: `near` is the client side, `far` the server side. */
interface Pair {
  near: Socket;
  far: Socket;
}

/** How the proxy handles bytes in each direction. */
interface Handling {
  request(pair: Pair, chunk: Buffer): void;
  answer(pair: Pair, chunk: Buffer): void;
}

const send: Handling = {
  request: ({ far }, chunk) => void far.write(chunk),
  answer: ({ near }, chunk) => void near.write(chunk),
};

/** Drops all further bytes of the connection in both directions, without closing it. */
const swallow = (pair: Pair): void => {
  pair.far.removeAllListeners('data').resume();
  pair.near.removeAllListeners('data').resume();
};

/** The faults of a connection by name. */
const FAULTS = {
  none: send,
  /** Nothing arrives, and no connection ends. */
  hanging: { request: swallow, answer: swallow },
  /** The request is answered, and the connection is reset before the answer arrives. */
  'resetting after the request was sent': { ...send, answer: ({ near }) => void near.resetAndDestroy() },
  /** Half of the answer arrives, and then the connection ends. */
  'ending in the middle of the answer': {
    ...send,
    answer: ({ near }, chunk) => void near.end(chunk.subarray(0, chunk.length / 2)),
  },
  /** The connection is reset before the request is read. */
  'resetting before the request was read': { ...send, request: ({ near }) => void near.resetAndDestroy() },
} satisfies Record<string, Handling>;

export type Trouble = Exclude<keyof typeof FAULTS, 'none'>;

/** A TCP proxy that simulates faults. */
export interface Proxy {
  port: number;
  /** Applies this fault to open and new connections. */
  breakWith(trouble: Trouble): void;
  /** Answers each chunk of a request instead of the server, which receives nothing. */
  answerWith(answer: (chunk: Buffer) => string): void;
  /** Holds answers until `mend` is called. */
  hold(): void;
  /** Forwards new connections to another port. */
  leadTo(port: number): void;
  /** Ends all connections, and refuses new ones until `mend` is called. */
  close(): Promise<void>;
  mend(): Promise<void>;
}

export async function openProxy(target: number): Promise<Proxy> {
  let to = target;
  let handling: Handling = FAULTS.none;
  let held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const pair = { near, far: connect(to, '127.0.0.1') };
    for (const [socket, other] of [
      [pair.near, pair.far],
      [pair.far, pair.near],
    ] as const) {
      sockets.add(socket);
      // An error needs no report here: closing the other socket shows it to the other side.
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    near.on('data', (chunk: Buffer) => handling.request(pair, chunk));
    pair.far.on('data', (chunk: Buffer) => handling.answer(pair, chunk));
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    port,
    breakWith: (trouble) => void (handling = FAULTS[trouble]),
    answerWith: (answer) =>
      void (handling = { ...send, request: ({ near }, chunk) => void near.write(answer(chunk)) }),
    hold: () =>
      void (handling = { ...send, answer: (pair, chunk) => void held.push(() => send.answer(pair, chunk)) }),
    leadTo: (elsewhere) => void (to = elsewhere),
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      sockets.forEach((socket) => socket.destroy());
      await closed;
    },
    async mend() {
      handling = FAULTS.none;
      held.forEach((release) => release());
      held = [];
      if (!server.listening) await listen(port);
    },
  };
}
