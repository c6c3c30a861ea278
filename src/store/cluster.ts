import { Cluster, type Redis } from 'ioredis';
import type { Place } from '../config/redis-url.js';
import { writeOncePerTurn, type ConnectionOptions } from './options.js';
import type { Reachability } from './reachability.js';

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
  cluster.on('+node', (node: Redis) => {
    ignoreFailedAsking(node);
    writeOncePerTurn(node);
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
