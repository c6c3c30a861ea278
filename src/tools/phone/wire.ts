import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { messageOf } from '../command.js';
import { endpointOf } from '../http.js';

/** The bytes of one read of the socket. `afterMs` counts from the request. */
export interface Segment {
  bytes: Buffer;
  afterMs: number;
}

/** The bytes of an answer, with their times. */
export interface RawAnswer {
  segments: Segment[];
  /** When the peer closed the connection, in ms after the request; undefined while it is open. */
  closedAfterMs?: number;
  /** Whether an earlier request was sent over the connection. */
  isReused: boolean;
}

/** No connection in time; no TLS handshake; no bytes in time; the connection was reset. */
export type FailureKind = 'connect' | 'tls' | 'timeout' | 'reset';

/** A failure of the connection, as opposed to an answer that breaks a rule. */
export class ConnectionFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

export interface Connection {
  /** Sends a request. @returns its answer, which grows as bytes arrive */
  send(text: string): RawAnswer;
  /**
   * The next segment, or undefined when the peer has closed the connection.
   * @throws ConnectionFailure when nothing arrives in `timeoutMs`, or the connection is reset
   */
  read(timeoutMs: number): Promise<Buffer | undefined>;
  /** Waits for further segments until the peer closes the connection, for `ms` at most. */
  readRest(ms: number): Promise<void>;
  close(): void;
}

export interface ConnectOptions {
  /** Milliseconds of a monotonic clock. */
  now: () => number;
  timeoutMs: number;
  tls?: ConnectionOptions;
}

/**
 * Opens a connection to the host of a URL; with TLS for https. Node has to trust its certificate
 * (`NODE_EXTRA_CA_CERTS`).
 * @throws ConnectionFailure
 */
export async function connectTo(url: URL, { now, timeoutMs, tls }: ConnectOptions): Promise<Connection> {
  const isTls = url.protocol === 'https:';
  const endpoint = endpointOf(url);
  const socket = isTls ? connectTls({ ...endpoint, ...tls }) : connectPlain(endpoint);
  const reached = { tcp: false };
  socket.once('connect', () => (reached.tcp = true));
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', timeoutMs);
  } catch (error) {
    socket.destroy();
    if (error instanceof ConnectionFailure) throw error;
    throw new ConnectionFailure(reached.tcp ? 'tls' : 'connect', messageOf(error));
  }
  return record(socket, now);
}

function once(socket: Socket, event: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ConnectionFailure('connect', `none in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const settle = (done: () => void) => () => {
      clearTimeout(timer);
      done();
    };
    socket.once(event, settle(resolve));
    socket.on('error', (error) => settle(() => reject(error))());
    socket.once(
      'close',
      settle(() => reject(new Error('the connection was closed'))),
    );
  });
}

function record(socket: Socket, now: () => number): Connection {
  let raw: RawAnswer = { segments: [], isReused: false };
  let [sentAt, taken, requests] = [now(), 0, 0];
  let failure: Error | undefined;
  let isClosed = false;
  let wake = (): void => undefined;
  const close = () => {
    isClosed = true;
    raw.closedAfterMs ??= now() - sentAt;
    wake();
  };
  socket.on('data', (bytes: Buffer) => {
    raw.segments.push({ bytes, afterMs: now() - sentAt });
    wake();
  });
  // An error after the end, such as a request over a closed connection, is expected.
  socket.on('error', (error) => {
    if (!isClosed) failure = error;
  });
  socket.on('end', close).on('close', close);

  /** Whether bytes or the end arrive within `ms`. */
  const nextEvent = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });

  return {
    send(text) {
      raw = { segments: [], isReused: requests++ > 0, ...(isClosed && { closedAfterMs: 0 }) };
      [sentAt, taken] = [now(), 0];
      socket.write(text);
      return raw;
    },
    async read(timeoutMs) {
      if (taken === raw.segments.length && !isClosed && !(await nextEvent(timeoutMs))) {
        throw new ConnectionFailure('timeout', `nothing came in ${timeoutMs} ms`);
      }
      const next = raw.segments[taken++]?.bytes;
      if (next === undefined && failure) throw new ConnectionFailure('reset', failure.message);
      return next;
    },
    async readRest(ms) {
      const until = now() + ms;
      while (!isClosed && now() < until) await nextEvent(until - now());
    },
    close: () => void socket.destroy(),
  };
}
