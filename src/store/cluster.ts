import { Cluster, type Command, type Redis } from 'ioredis';
import type { Place } from '../config/redis-url.js';
import { ignoreLaterErrors, writeOncePerTurn, type ConnectionOptions } from './options.js';
import type { Reachability } from './reachability.js';

/** How often slots are asked for while nodes answer that the cluster is down. */
const REFRESH_INTERVAL_MS = 100;

/**
 * Connects to a Redis Cluster. Redirections (`MOVED`, `ASK`) are followed, because a node that
 * redirects has done nothing. Any other failure is final: by default ioredis resends a command
 * whose connection closed (`retryDelayOnFailover`), although it may have been executed.
 * @param options of the connection to each node
 */
export function connectCluster(
  { nodes }: Extract<Place, { kind: 'cluster' }>,
  options: ConnectionOptions,
  reachability: Reachability,
): Cluster {
  const { retryStrategy, ...redisOptions } = options;
  const cluster = new Cluster([...nodes], {
    redisOptions,
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    // `CLUSTERDOWN` is an answer: a retry would take longer than a request may wait.
    retryDelayOnClusterDown: 0,
    // One redirection is usual, and two while a slot is moving. More mean inconsistent nodes.
    maxRedirections: 5,
    clusterRetryStrategy: retryStrategy,
    // Keeps host names, which certificates name; Node resolves them with each connection.
    dnsLookup: (name, found) => found(null, name),
  });
  // Otherwise the first command connects to a node, and the next ones fail meanwhile.
  const open = (node: Redis): void => {
    if (cluster.status === 'ready' && node.status === 'wait') node.connect().catch(() => undefined);
  };
  const refreshSlots = (): void => {
    if (cluster.status === 'ready') cluster.refreshSlotsCache();
  };
  let refreshedAt = -Infinity;
  // A node that left the cluster, or is cut off from the others, redirects nothing. While the whole
  // cluster is down, each command has this answer.
  const refreshSlotsIfDown = (error: Error): void => {
    if (!error.message.startsWith('CLUSTERDOWN')) return;
    if (performance.now() - refreshedAt < REFRESH_INTERVAL_MS) return;
    refreshedAt = performance.now();
    refreshSlots();
  };
  cluster.on('+node', (node: Redis) => {
    ignoreFailedAsking(node);
    ignoreLaterErrors(node);
    writeOncePerTurn(node);
    nameLostCommands(node, refreshSlotsIfDown);
    // ioredis removes a node whose connection ends, and connects again only for a command, which
    // fails. A node that cannot be reached again is left to the new slots.
    node.once('ready', () => node.once('end', refreshSlots));
    node.on('ready', reachability.of(`${node.options.host}:${node.options.port}`).ready);
    open(node);
  });
  cluster.on('node error', (error: Error, host: string) => reachability.of(host).failed(error));
  cluster.on('ready', () => cluster.nodes().forEach(open));
  return cluster;
}

/** Resolves when each primary is connected, or its connection has ended. */
export async function primariesSettled(cluster: Cluster): Promise<void> {
  const settled = (node: Redis): Promise<void> =>
    new Promise((resolve) => {
      if (node.status === 'ready' || node.status === 'end') return resolve();
      node.once('ready', resolve).once('end', resolve);
    });
  await Promise.all(cluster.nodes('master').map(settled));
}

/**
 * For a cluster, ioredis has one error for a command whose connection closed, which may have been
 * executed, and for one that it did not send.
 * @param failed gets the error of each command that fails
 */
function nameLostCommands(node: Redis, failed: (error: Error) => void): void {
  const send = node.sendCommand.bind(node);
  node.sendCommand = (command: Command, stream) => {
    const { reject } = command;
    command.reject = (error) => {
      // After a redirection ioredis rejects the same command for the next node.
      command.reject = reject;
      failed(error);
      reject(error.message === 'Connection is closed.' ? new Error('Connection was closed.') : error);
    };
    return send(command, stream);
  };
}

/**
 * ioredis ignores the result of `ASKING`, which it sends before a command redirected by `ASK`. If
 * the connection ends then, Node would end the process for an unhandled rejection.
 */
function ignoreFailedAsking(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = () => {
    const asked = asking();
    asked.catch(() => undefined);
    return asked;
  };
}
