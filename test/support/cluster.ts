import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { startRedis, type RedisServer } from './redis-server.js';
import { until } from './until.js';

/** Three masters, and a replica of the first. */
export interface RedisCluster {
  /** The value of `REDIS_URL`. */
  url: string;
  masters: RedisServer[];
  /** The replica becomes the first master, which leaves the cluster but goes on running. */
  replaceFirst(): Promise<void>;
  /** Moves a quarter of the slots of a master to another, with a pause during the migration. */
  moveSlots(from: number, to: number, pause: () => Promise<unknown>): Promise<void>;
  stop(): Promise<void>;
}

/** The initial slots of each master. */
const SLOTS = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
] as const;

const portOf = ({ url }: RedisServer): number => Number(new URL(url).port);
const call = <T>(server: RedisServer, ...words: (string | number)[]): Promise<T> =>
  server.administer((admin) => admin.call(String(words[0]), ...words.slice(1)) as Promise<T>);

export async function startCluster(): Promise<RedisCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  const start = (at: number) => startRedis(undefined, clusterOptions(folder, at));
  const nodes = [await start(0), await start(1), await start(2), await start(3)];
  const masters = nodes.slice(0, 3);
  const [first, , , replica] = nodes as [RedisServer, RedisServer, RedisServer, RedisServer];
  for (const [at, [begin, end]] of SLOTS.entries())
    await call(masters[at] as RedisServer, 'CLUSTER', 'ADDSLOTSRANGE', begin, end);
  for (const other of nodes.slice(1)) await call(first, 'CLUSTER', 'MEET', '127.0.0.1', portOf(other));
  const ids = await Promise.all(nodes.map((node) => call<string>(node, 'CLUSTER', 'MYID')));
  await until(async () => (await call<string>(replica, 'CLUSTER', 'NODES')).includes(ids[0] as string));
  await call(replica, 'CLUSTER', 'REPLICATE', ids[0] as string);
  for (const node of nodes)
    await until(async () => (await call<string>(node, 'CLUSTER', 'INFO')).includes('cluster_state:ok'));
  await until(async () => (await call<string>(replica, 'INFO', 'replication')).includes('link_status:up'));
  return {
    url: `redis+cluster://${masters.map((each) => `127.0.0.1:${portOf(each)}`).join()}`,
    masters,
    async replaceFirst() {
      const isNow = (server: RedisServer, role: string) => async () =>
        (await call<string>(server, 'INFO', 'replication')).includes(`role:${role}`);
      await call(replica, 'CLUSTER', 'FAILOVER');
      await Promise.all([until(isNow(replica, 'master')), until(isNow(first, 'slave'))]);
      await call(first, 'CLUSTER', 'RESET', 'HARD');
    },
    moveSlots: (from, to, pause) => moveSlots(masters, ids, from, to, pause),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(folder, { recursive: true });
    },
  };
}

const clusterOptions = (folder: string, at: number): string[] => [
  ...['--cluster-enabled', 'yes', '--cluster-config-file', join(folder, `${at}.conf`)],
  // A replica stores what it receives in a file, and would load it at the next start.
  ...['--dir', folder, '--dbfilename', `${at}.rdb`],
  ...['--cluster-node-timeout', '1500', '--repl-diskless-sync-delay', '0'],
];

/**
 * Moves slots like `redis-cli --cluster reshard`, but many at once, so that a login is likely to
 * use a migrating one.
 */
async function moveSlots(
  masters: RedisServer[],
  ids: string[],
  from: number,
  to: number,
  pause: () => Promise<unknown>,
): Promise<void> {
  const [source, target] = [masters[from] as RedisServer, masters[to] as RedisServer];
  const [begin, end] = SLOTS[from] as readonly [number, number];
  const slots = Array.from({ length: Math.ceil((end - begin + 1) / 4) }, (_, at) => begin + at * 4);
  const forAll = (server: RedisServer, words: (slot: number) => (string | number)[]) =>
    server.administer(async (admin: Redis) => {
      const pipeline = admin.pipeline();
      for (const slot of slots) pipeline.call('CLUSTER', ...(words(slot) as [string]));
      return (await pipeline.exec()) ?? [];
    });
  await forAll(target, (slot) => ['SETSLOT', slot, 'IMPORTING', ids[from] as string]);
  await forAll(source, (slot) => ['SETSLOT', slot, 'MIGRATING', ids[to] as string]);
  await pause();
  const found = await forAll(source, (slot) => ['GETKEYSINSLOT', slot, 1000]);
  await source.administer(async (admin) => {
    const access = ['AUTH2', 'administrator', 'administrator'];
    const keys = found.flatMap(([, each]) => each as string[]);
    const route = ['127.0.0.1', portOf(target), '', 0, 5000] as const;
    for (const key of keys) await admin.call('MIGRATE', ...route, ...access, 'KEYS', key);
  });
  for (const master of [target, source, ...masters])
    await forAll(master, (slot) => ['SETSLOT', slot, 'NODE', ids[to] as string]);
}
