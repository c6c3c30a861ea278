import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startAnswering, type Child } from './child.js';
import type { CrowdResult } from './load.js';
import { listenForNoise } from './noise.js';
import { machine } from './report.js';
import { cpuOfRedis } from './round.js';
import type { RushResult } from './rush.js';
import { openStage, type Stage } from './stage.js';
import { quantile, table } from './statistics.js';

/**
 * `npm run bench -- overload [--loads 0.5,1,1.5,2,0.5] [--seconds 15] [--patience 2000] [--walk 1000] [--delay 50] [--server dist/main.js]
 * [--capacity <logins a second>] [--set NAME=value]…`
 *
 * Logins come as they come, at so many times what the server can do at the most, and nobody waits for anybody.
 */
const { values: options } = parseArgs({
  options: {
    loads: { type: 'string', default: '0.5,1,1.5,2,0.5' },
    seconds: { type: 'string', default: '15' },
    /** Milliseconds after which a client hangs up. */
    patience: { type: 'string', default: '2000' },
    /** Milliseconds from one request of a login to its next, at the most. */
    walk: { type: 'string', default: '1000' },
    /** Milliseconds of each call of the upstream. */
    delay: { type: 'string', default: '50' },
    server: { type: 'string', default: 'dist/main.js' },
    /** Measured if it is not given. */
    capacity: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const SERVER = resolve(options.server);

/** Gives the server a processor of its own, where the system can do that. @returns what was done, in words */
function pin(server: Child, others: number[]): string {
  if (spawnSync('taskset', ['--version']).status !== 0) return 'All processes share the processors.';
  const to = (processor: string, pid: number) =>
    execFileSync('taskset', ['-a', '-p', '-c', processor, `${pid}`], { stdio: 'ignore' });
  to('0', server.pid);
  for (const pid of others) to('1', pid);
  return 'The server has one processor, everything else the other (taskset).';
}

const pidOfRedis = async ({ redis }: Stage): Promise<number> =>
  Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]);

/** Logins a second that so many people get through who wait for each answer, and whom nobody refuses. */
async function capacityOf(stage: Stage, others: number[]): Promise<number> {
  const { base, child } = await stage.open('unbounded', SERVER);
  pin(child, others);
  await stage.load.ask('run', { base, atOnce: 256, logins: 3000 });
  const { took, elapsedMs } = await stage.load.ask<CrowdResult>('run', { base, atOnce: 256, seconds: 5 });
  await child.stop();
  return took.length / (elapsedMs / 1000);
}

const HEAD = [
  ...['× capacity', 'offered/s', 'goodput/s', 'refused/s', 'lost', 'of those begun, completed'],
  ...[
    'login p50',
    'p99 (ms)',
    'refusal p99',
    '/healthz p50',
    'p99 (ms)',
    'server CPU',
    'generator CPU',
    'late p99 (ms)',
  ],
];

async function play(stage: Stage): Promise<void> {
  const rush = await startAnswering('rush');
  const others = [rush.pid, stage.load.pid, stage.upstream.pid, await pidOfRedis(stage), process.pid];
  await stage.upstream.ask('delay', { ms: Number(options.delay) });
  const capacity =
    options.capacity === undefined ? await capacityOf(stage, others) : Number(options.capacity);
  const set = Object.fromEntries(options.set.map((each) => each.split('=') as [string, string]));
  const { base, child } = await stage.open('server', SERVER, [], { MAX_UTILIZATION: '90', ...set });
  const pinned = pin(child, others);
  const go = (load: number, seconds: number) =>
    rush.ask<RushResult>('rush', {
      ...{ base, seconds, perSecond: load * capacity },
      ...{ patienceMs: Number(options.patience), walkMs: Number(options.walk) },
    });
  await go(0.5, 5);

  const usage = async () => ({ server: (await child.usage()).cpu, rush: (await rush.usage()).cpu });
  const noise = listenForNoise();
  const all = async (): Promise<number> => {
    const used = await Promise.all([child, rush, stage.upstream].map((each) => each.usage()));
    return used.reduce((sum, { cpu }) => sum + cpu, await cpuOfRedis(stage.redis));
  };
  const usedBefore = await all();
  const rows: string[][] = [];
  const lost: string[] = [];
  for (const load of options.loads.split(',').map(Number)) {
    const [before, from] = [await usage(), performance.now()];
    const result = await go(load, Number(options.seconds));
    const [after, took] = [await usage(), (performance.now() - from) * 1000];
    const share = (who: 'server' | 'rush') => `${(((after[who] - before[who]) / took) * 100).toFixed(0)} %`;
    rows.push([...rowOf(load, result), share('server'), share('rush'), result.lateMs.toFixed(1)]);
    lost.push(`${load}: ${JSON.stringify(result.lost)}`);
  }
  console.log(
    [
      machine(),
      pinned,
      `Capacity: ${capacity.toFixed(0)} logins a second.`,
      '',
      table(HEAD, rows),
      '',
      ...lost,
      ...noise((await all()) - usedBefore),
    ].join('\n'),
  );
  await Promise.all([rush.stop()]);
}

function rowOf(load: number, result: RushResult): string[] {
  const seconds = Number(options.seconds);
  const { offered, refused, begun, completed, took, refusals, health } = result;
  const lost = Object.values(result.lost).reduce((sum, count) => sum + count, 0);
  const rate = (count: number): string => (count / seconds).toFixed(0);
  const ms = (values: number[], share: number): string => quantile(values, share).toFixed(0);
  return [
    `${load}`,
    rate(offered),
    rate(completed),
    rate(refused),
    `${lost}`,
    `${((completed / begun) * 100).toFixed(1)} %`,
    ms(took, 0.5),
    ms(took, 0.99),
    ms(refusals, 0.99),
    ms(health, 0.5),
    ms(health, 0.99),
  ];
}

const stage = await openStage();
try {
  await play(stage);
} finally {
  await stage.close();
}
