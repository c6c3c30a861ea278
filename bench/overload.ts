import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startAnswering, type Child } from './child.js';
import type { LoadResult } from './load.js';
import { watchMachineLoad } from './machine-load.js';
import { machine } from './report.js';
import { cpuOfRedis } from './round.js';
import type { RandomLoadResult } from './random-load.js';
import { startEnvironment, type Environment } from './environment.js';
import { quantile, table } from './statistics.js';

/**
 * `npm run bench -- overload [--loads 0.5,1,1.5,2,0.5] [--seconds 15] [--timeout 2000]
 * [--pause 1000] [--delay 50] [--server dist/main.js] [--capacity <logins per second>]
 * [--set NAME=value]…`
 *
 * Logins arrive at random, at multiples of the server's capacity (random-load.ts).
 */
const { values: options } = parseArgs({
  options: {
    loads: { type: 'string', default: '0.5,1,1.5,2,0.5' },
    seconds: { type: 'string', default: '15' },
    /** Milliseconds after which a client hangs up. */
    timeout: { type: 'string', default: '2000' },
    /** The longest pause between two requests of a login (ms). */
    pause: { type: 'string', default: '1000' },
    /** Milliseconds that the upstream takes for each call. */
    delay: { type: 'string', default: '50' },
    server: { type: 'string', default: 'dist/main.js' },
    /** Logins per second; measured by default. */
    capacity: { type: 'string' },
    /** Settings of the server. */
    set: { type: 'string', multiple: true, default: [] },
  },
});
const SERVER = resolve(options.server);

/** Gives the server a processor of its own where `taskset` exists. @returns a line of the report */
function pin(server: Child, others: number[]): string {
  if (spawnSync('taskset', ['--version']).status !== 0) return 'All processes share the processors.';
  const to = (processor: string, pid: number) =>
    execFileSync('taskset', ['-a', '-p', '-c', processor, `${pid}`], { stdio: 'ignore' });
  to('0', server.pid);
  for (const pid of others) to('1', pid);
  return 'The server has one processor, everything else the other (taskset).';
}

const pidOfRedis = async ({ redis }: Environment): Promise<number> =>
  Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]);

/** Logins per second of 256 clients that wait for each answer, on a server that refuses none. */
async function capacityOf(environment: Environment, others: number[]): Promise<number> {
  const { base, child } = await environment.open({ name: 'unbounded', file: SERVER });
  pin(child, others);
  await environment.load.ask('run', { base, atOnce: 256, logins: 3000 });
  const { took, elapsedMs } = await environment.load.ask<LoadResult>('run', {
    base,
    atOnce: 256,
    seconds: 5,
  });
  await child.stop();
  return took.length / (elapsedMs / 1000);
}

const HEAD = [
  ...['× capacity', 'offered/s', 'goodput/s', 'refused/s', 'lost', 'completed of begun'],
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

async function run(environment: Environment): Promise<void> {
  const generator = await startAnswering('random-load');
  const others = [
    generator.pid,
    environment.load.pid,
    environment.upstream.pid,
    await pidOfRedis(environment),
    process.pid,
  ];
  await environment.upstream.ask('delay', { ms: Number(options.delay) });
  const capacity =
    options.capacity === undefined ? await capacityOf(environment, others) : Number(options.capacity);
  const set = Object.fromEntries(options.set.map((each) => each.split('=') as [string, string]));
  const { base, child } = await environment.open({
    name: 'server',
    file: SERVER,
    settings: { MAX_UTILIZATION: '90', ...set },
  });
  const pinned = pin(child, others);
  const generate = (load: number, seconds: number) =>
    generator.ask<RandomLoadResult>('run', {
      ...{ base, seconds, perSecond: load * capacity },
      ...{ timeoutMs: Number(options.timeout), maxPauseMs: Number(options.pause) },
    });
  // The warm-up.
  await generate(0.5, 5);

  const usage = async () => ({
    server: (await child.usage()).cpu,
    generator: (await generator.usage()).cpu,
  });
  const machineLoad = watchMachineLoad();
  const usedByAll = async (): Promise<number> => {
    const used = await Promise.all([child, generator, environment.upstream].map((each) => each.usage()));
    return used.reduce((sum, { cpu }) => sum + cpu, await cpuOfRedis(environment.redis));
  };
  const usedBefore = await usedByAll();
  const rows: string[][] = [];
  const lost: string[] = [];
  for (const load of options.loads.split(',').map(Number)) {
    const [before, from] = [await usage(), performance.now()];
    const result = await generate(load, Number(options.seconds));
    const [after, took] = [await usage(), (performance.now() - from) * 1000];
    const share = (process: keyof typeof after) =>
      `${(((after[process] - before[process]) / took) * 100).toFixed(0)} %`;
    rows.push([...rowOf(load, result), share('server'), share('generator'), result.lateMs.toFixed(1)]);
    lost.push(`${load}: ${JSON.stringify(result.lost)}`);
  }
  console.log(
    [
      machine(),
      pinned,
      `Capacity: ${capacity.toFixed(0)} logins per second.`,
      '',
      table(HEAD, rows),
      '',
      ...lost,
      ...machineLoad((await usedByAll()) - usedBefore),
    ].join('\n'),
  );
  await generator.stop();
}

function rowOf(load: number, result: RandomLoadResult): string[] {
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

const environment = await startEnvironment();
try {
  await run(environment);
} finally {
  await environment.close();
}
