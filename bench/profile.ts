import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import type { Profiler } from 'node:inspector';
import { CATEGORIES, sharesOf, type Category } from './profile-categories.js';
import { machine } from './report.js';
import type { Contestant, Environment } from './environment.js';
import { table } from './statistics.js';

/**
 * `npm run bench -- profile [--logins 15000] [--warm-up 10000] [--at-once 64] [--server
 * dist/main.js]`
 *
 * Divides the CPU time of a login, in the server and in the floor, by the samples of a CPU
 * profile. The rows add up to the total.
 */
const OPTIONS = {
  logins: { type: 'string', default: '15000' },
  'warm-up': { type: 'string', default: '10000' },
  'at-once': { type: 'string', default: '64' },
  server: { type: 'string', default: 'dist/main.js' },
} as const;

const SAMPLE_INTERVAL_US = 250;

interface CpuOfLogin {
  /** User and system time of the process per login (µs). */
  cpu: number;
  /** From 0 to 1. */
  shares: Map<Category, number>;
}

interface Amount {
  warmUp: number;
  logins: number;
  atOnce: number;
}

async function measure(
  { load }: Environment,
  { base, child }: Contestant,
  { warmUp, logins: measured, atOnce }: Amount,
): Promise<CpuOfLogin> {
  const logIn = (logins: number) => load.ask('run', { base, atOnce, logins });
  await logIn(warmUp);
  const { cpu: before } = await child.usage();
  await logIn(measured);
  const { cpu: after } = await child.usage();
  // The profiler uses CPU time as well, so a second run is profiled, and gives only the shares.
  await child.ask('startProfile', { everyUs: SAMPLE_INTERVAL_US });
  await logIn(measured);
  return {
    cpu: (after - before) / measured,
    shares: sharesOf(await child.ask<Profiler.Profile>('stopProfile')),
  };
}

function report(server: CpuOfLogin, floor: CpuOfLogin): string {
  const us = (value: number): string => value.toFixed(0);
  const row = (name: string, of: (login: CpuOfLogin) => number): string[] => [
    name,
    us(of(server)),
    us(of(floor)),
    us(of(server) - of(floor)),
  ];
  const rows = CATEGORIES.map((category) =>
    row(category, ({ cpu, shares }) => cpu * (shares.get(category) ?? 0)),
  );
  rows.push(row('total', ({ cpu }) => cpu));
  return table(['category', 'server', 'floor', 'difference'], rows, 1);
}

/** @returns the report */
export async function profileLogins(environment: Environment, args: string[]): Promise<string> {
  const { values: options } = parseArgs({ args, options: OPTIONS });
  const amount = {
    warmUp: Number(options['warm-up']),
    logins: Number(options.logins),
    atOnce: Number(options['at-once']),
  };
  const file = resolve(options.server);
  const floor = await measure(environment, await environment.open({ name: 'floor' }), amount);
  const server = await measure(environment, await environment.open({ name: 'server', file }), amount);
  return [machine(), '', 'User and system time per login (µs):', '', report(server, floor)].join('\n');
}
