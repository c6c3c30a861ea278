import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { placeOf } from './place.js';
import { wordsOf } from './words.js';

/** What one read of the socket brought; `afterMs` counts from the request. */
export interface Segment {
  bytes: Buffer;
  afterMs: number;
}

/** An answer as it came off the wire. */
export interface Heard {
  segments: Segment[];
  /** When the other side closed, in milliseconds after the request; undefined as long as it did not. */
  closedAfterMs?: number;
  /** Whether the connection had been asked over before. */
  isReused: boolean;
}

/** Nobody could be reached in time; TLS did not come about; nothing came in time; the connection was reset. */
export type TroubleKind = 'connect' | 'tls' | 'silence' | 'reset';

/** What goes wrong with a connection, before any answer can be right or wrong. */
export class Trouble extends Error {
  constructor(
    readonly kind: TroubleKind,
    message: string,
  ) {
    super(message);
  }
}

export interface Connection {
  /** Sends a request. @returns what is heard from then on, as it grows */
  send(text: string): Heard;
  /** The next segment, or undefined when the other side has closed. @throws Trouble when nothing came for so many milliseconds, or it was reset */
  read(timeoutMs: number): Promise<Buffer | undefined>;
  /** Hears all that comes until the other side closes, for so many milliseconds at the most. */
  listenOn(ms: number): Promise<void>;
  close(): void;
}

export interface ConnectOptions {
  /** Milliseconds, on a clock that never goes back. */
  now: () => number;
  timeoutMs: number;
  tls?: ConnectionOptions;
}

/**
 * Opens a raw connection to where this URL leads; with TLS for https. Certificates have to be known to Node
 * (`NODE_EXTRA_CA_CERTS`).
 * @throws Trouble
 */
export async function connectTo(url: URL, { now, timeoutMs, tls }: ConnectOptions): Promise<Connection> {
  const isTls = url.protocol === 'https:';
  const place = placeOf(url);
  const socket = isTls ? connectTls({ ...place, ...tls }) : connectPlain(place);
  const reached = { tcp: false };
  socket.once('connect', () => (reached.tcp = true));
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', timeoutMs);
  } catch (error) {
    socket.destroy();
    if (error instanceof Trouble) throw error;
    throw new Trouble(reached.tcp ? 'tls' : 'connect', wordsOf(error));
  }
  return record(socket, now);
}

function once(socket: Socket, event: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Trouble('connect', `none in ${timeoutMs} ms`)), timeoutMs);
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
  let heard: Heard = { segments: [], isReused: false };
  let [sentAt, taken, requests] = [now(), 0, 0];
  let failure: Error | undefined;
  let isClosed = false;
  let wake = (): void => undefined;
  const close = () => {
    isClosed = true;
    heard.closedAfterMs ??= now() - sentAt;
    wake();
  };
  socket.on('data', (bytes: Buffer) => {
    heard.segments.push({ bytes, afterMs: now() - sentAt });
    wake();
  });
  // What goes wrong after the end, such as a request into a closed connection, is no news.
  socket.on('error', (error) => {
    if (!isClosed) failure = error;
  });
  socket.on('end', close).on('close', close);

  /** Whether something happens within so many milliseconds. */
  const happens = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });

  return {
    send(text) {
      heard = { segments: [], isReused: requests++ > 0, ...(isClosed && { closedAfterMs: 0 }) };
      [sentAt, taken] = [now(), 0];
      socket.write(text);
      return heard;
    },
    async read(timeoutMs) {
      if (taken === heard.segments.length && !isClosed && !(await happens(timeoutMs))) {
        throw new Trouble('silence', `nothing came in ${timeoutMs} ms`);
      }
      const next = heard.segments[taken++]?.bytes;
      if (next === undefined && failure) throw new Trouble('reset', failure.message);
      return next;
    },
    async listenOn(ms) {
      const until = now() + ms;
      while (!isClosed && now() < until) await happens(until - now());
    },
    close: () => void socket.destroy(),
  };
}
