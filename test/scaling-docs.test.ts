import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { capacityFor } from '../bench/capacity.js';
import { putTables } from '../bench/document.js';
import { FIGURES } from '../bench/figures.js';
import { tablesOf } from '../bench/scaling-tables.js';
import { randomFrom, recoveryOf, turnsOf, waitsAt } from '../bench/simulation.js';

const page = readFileSync(join(resolve(__dirname, '..'), 'docs/scaling.md'), 'utf8');

test('docs/scaling.md holds every table as `npm run bench -- scaling` prints it', async () => {
  const tables = await tablesOf(FIGURES);
  const places = [...page.matchAll(/<!-- table: (\w+) -->/g)].map(([, name]) => name);
  expect(places).toEqual(Object.keys(tables));
  expect(page).toBe(putTables(page, tables));
});

test('twice the logins need twice the cores, memory and turns', () => {
  const [once, twice] = [500_000, 1_000_000].map((perMinute) => capacityFor(perMinute, FIGURES));
  for (const what of ['serverCores', 'redisCores', 'redisGb', 'upstreamPerSecond'] as const)
    expect((twice?.[what] ?? 0) / (once?.[what] ?? 0)).toBeCloseTo(2, 3);
});

test.each([0.5, 0.8])('the simulated wait at %d in use is what the theory of queues says', (use) => {
  // M/M/1: the share of requests that wait longer than t is use * exp(-(1 - use) * t).
  const exact = Math.log(use / 0.01) / (1 - use);
  expect(waitsAt(use, randomFrom(1)).p99 / exact).toBeCloseTo(1, 1);
});

test('simulated turns are refused where more are asked for than there are', async () => {
  const turns = (use: number) => turnsOf({ upstreamPerSecond: 500, use }, randomFrom(1), 30);
  expect((await turns(0.5)).refused).toBe(0);
  expect((await turns(1.25)).refused).toBeCloseTo(1 - 1 / 1.25, 1);
});

test('after a failover, the refused logins are served by the spare capacity', () => {
  // 200 logins are refused in 2 seconds, and served at 50 per second.
  const { refused, seconds } = recoveryOf({ perSecond: 100, capacity: 150, downMs: 2000, share: 1 });
  expect(refused).toBeCloseTo(200, 0);
  expect(seconds).toBeCloseTo(6, 0);
});
