import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import type { Profiler } from 'node:inspector';
import { PLACES, sharesOf, type Place } from './places.js';
import { machine } from './report.js';
import { openStage, type Contestant, type Stage } from './stage.js';
import { table } from './statistics.js';

/**
 * `npm run bench -- profile [--logins 15000] [--warm-up 10000] [--at-once 64] [--server dist/main.js]`: where the time of a login goes, in the
 * server and in the floor, by what was running whenever it was looked. The rows add up to all of it.
 */
const { values: options } = parseArgs({
  options: {
    logins: { type: 'string', default: '15000' },
    'warm-up': { type: 'string', default: '10000' },
    'at-once': { type: 'string', default: '64' },
    server: { type: 'string', default: 'dist/main.js' },
  },
});
const LOGINS = Number(options.logins);

/** Microseconds between two looks. */
const EVERY = 250;

/** Microseconds of user and system time of the process for a login, and how they are shared out among the places. */
interface Spent {
  cpu: number;
  /** Of 1. */
  shares: Map<Place, number>;
}

async function watch({ load }: Stage, { base, child }: Contestant): Promise<Spent> {
  const logIn = (logins: number) => load.ask('run', { base, atOnce: Number(options['at-once']), logins });
  await logIn(Number(options['warm-up']));
  const { cpu: before } = await child.usage();
  await logIn(LOGINS);
  const { cpu: after } = await child.usage();
  // Being watched costs as well, so it comes by itself, and only the shares are taken from it.
  await child.ask('watch', { everyUs: EVERY });
  await logIn(LOGINS);
  return { cpu: (after - before) / LOGINS, shares: sharesOf(await child.ask<Profiler.Profile>('profile')) };
}

function report(server: Spent, floor: Spent): string {
  const us = (value: number): string => value.toFixed(0);
  const row = (name: string, of: (spent: Spent) => number): string[] => [
    name,
    us(of(server)),
    us(of(floor)),
    us(of(server) - of(floor)),
  ];
  const rows = PLACES.map((place) => row(place, ({ cpu, shares }) => cpu * (shares.get(place) ?? 0)));
  rows.push(row('all of it', ({ cpu }) => cpu));
  return table(['where', 'server', 'floor', 'difference'], rows, 1);
}

const stage = await openStage();
try {
  const floor = await watch(stage, await stage.open('floor'));
  const server = await watch(stage, await stage.open('server', resolve(options.server)));
  console.log(
    [machine(), '', 'Microseconds of user and system time, a login:', '', report(server, floor)].join('\n'),
  );
} finally {
  await stage.close();
}
