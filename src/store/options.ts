import type { Redis } from 'ioredis';
import type { Certificates, RedisSettings } from '../config/redis.js';
import type { Access, Place } from '../config/redis-url.js';

/**
 * Lets all commands of one turn of the event loop leave in one write, since the system call of each write costs more than the rest of a
 * command. Each stays a command of its own: it has its own answer, error and time, and none waits for another one's
 * answer, as they would in the pipelines that ioredis makes by itself.
 */
export function writeTogether(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  let corked: Redis['stream'] | undefined;
  redis.sendCommand = (command, stream) => {
    const socket = redis.stream as Redis['stream'] | undefined;
    if (socket !== undefined && socket !== corked) {
      corked = socket;
      socket.cork();
      setImmediate(() => {
        corked = undefined;
        socket.uncork();
      });
    }
    return send(command, stream);
  };
}

/** Milliseconds that Redis has for an answer, and after which a connection without one is given up. */
export const COMMAND_TIMEOUT_MS = 500;
const SILENCE = 700;

/**
 * How each connection to a Redis behaves: its absence is an error within half a second, and nothing is ever sent twice.
 * ioredis by default queues commands for ever and sends unanswered ones again, and a `GETDEL` sent twice loses what it took.
 *
 * A connection on which no answer came is given up. Otherwise one that leads nowhere, as after a failover behind the same
 * address, would be kept for as long as TCP tries (a quarter of an hour), and a request that asks for several things
 * would wait for each in turn.
 */
export const OPTIONS = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE,
  connectTimeout: 1000,
  // How long a connection that we leave has to close: one that leads nowhere never does.
  disconnectTimeout: COMMAND_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxLoadingRetryTime: 500,
  // CLIENT SETINFO serves nobody here, and would be one more right to give.
  disableClientInfo: true,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, 500),
  // A primary that became a replica keeps its connections: the new primary is found only by connecting again.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

export type ConnectionOptions = typeof OPTIONS & Access & Pick<Place, 'family'> & { tls?: Certificates };

/** @param access whom we are to the one that is connected to */
export const optionsFor = ({ place, certificates }: RedisSettings, access: Access): ConnectionOptions => ({
  ...OPTIONS,
  ...(access.username !== undefined && { username: access.username }),
  ...(access.password !== undefined && { password: access.password }),
  ...(place.tls && { tls: certificates }),
  family: place.family,
});
