import { Cluster, type Redis } from 'ioredis';
import type { Place } from '../config/redis-url.js';
import type { ConnectionOptions } from './options.js';
import { writeTogether } from './options.js';

/**
 * Connects to a Redis Cluster. A redirection (`MOVED`, `ASK`) is followed: a node that redirects has done nothing. Whatever else
 * happens to a command is its answer, and it is not sent again: with the defaults of ioredis one that went out on a
 * connection that then closed would be (`retryDelayOnFailover`), though it may have been carried out.
 * @param options those of the connection to each node
 */
export function connectCluster(
  { nodes }: Extract<Place, { kind: 'cluster' }>,
  options: ConnectionOptions,
): Cluster {
  const { retryStrategy, ...redisOptions } = options;
  const cluster = new Cluster([...nodes], {
    redisOptions,
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    // "The cluster is down" is an answer: waiting for better ones would take longer than anybody is made to wait.
    retryDelayOnClusterDown: 0,
    // One redirection is usual, and two where a slot is moving. More are a cluster that does not know itself.
    maxRedirections: 5,
    clusterRetryStrategy: retryStrategy,
    // Names stay names, which certificates are for; Node looks them up with each connection.
    dnsLookup: (name, found) => found(null, name),
  });
  // By itself a node is connected to by its first command, which then waits for the connection while those behind it fail.
  const open = (node: Redis): void => {
    if (cluster.status === 'ready' && node.status === 'wait') node.connect().catch(() => undefined);
  };
  cluster.on('+node', (node: Redis) => {
    neverUnheard(node);
    writeTogether(node);
    open(node);
  });
  cluster.on('ready', () => cluster.nodes().forEach(open));
  return cluster;
}

/** Resolves when the nodes that take writes are connected, or gone again. */
export async function nodesSettled(cluster: Cluster): Promise<void> {
  const settled = (node: Redis): Promise<void> =>
    new Promise((resolve) => {
      if (node.status === 'ready' || node.status === 'end') return resolve();
      node.once('ready', resolve).once('end', resolve);
    });
  await Promise.all(cluster.nodes('master').map(settled));
}

/**
 * ioredis sends `ASKING` before a command that is redirected by `ASK`, and looks at no answer. When the connection ends
 * just then, that is a promise which nobody hears fail, and Node ends the process for it.
 */
function neverUnheard(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = () => {
    const asked = asking();
    asked.catch(() => undefined);
    return asked;
  };
}
