import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { built } from './support/built.js';

const run = promisify(execFile);
const root = resolve(__dirname, '..');

/** Runs a program of the bench. @returns its output */
const bench = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, ['--import', 'tsx', ...args], { cwd: root, timeout: 110_000 })).stdout;

const [server = ''] = built('main.js');

test('the bench measures logins of the server and of the floor, and prints their cost', async () => {
  const short = ['--rounds', '1', '--seconds', '0.2', '--warm-up', '20', '--delays', '0,5', '--at-once', '2'];
  const said = await bench('bench/main.ts', ...short, '--peers', '--server', server);
  const rows = said.split('\n').filter((line) => /^\| \d/.test(line));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  expect(cells.map(([, where, who]) => `${where ?? ''}: ${who ?? ''}`)).toEqual([
    '0 ms, 2: floor',
    `0 ms, 2: ${server}`,
    '0 ms, 2: vendor SDK',
    '0 ms, 2: tutorial',
    '5 ms, 2: floor',
    `5 ms, 2: ${server}`,
    '5 ms, 2: vendor SDK',
    '5 ms, 2: tutorial',
  ]);
  for (const [, , , cpu, ratio, rate, , , calls] of cells) {
    for (const figure of [cpu, ratio, rate]) expect(Number(figure)).toBeGreaterThan(0);
    expect(calls).toBe('3.00');
  }
  expect(said).toMatch(/Redis commands of a login, .*main\.js: 9 sent, 11 inside scripts/);
  expect(said).toMatch(/main\.js: \d\.\d\d × vendor SDK \(5 ms, 2 at once\)/);
  expect(said).toMatch(/The floor's own rounds differ by/);
});

test('with 256 logins under way, as the image starts it, a process has less than 256 MB', async () => {
  const short = [
    '--rounds',
    '1',
    '--seconds',
    '1',
    '--warm-up',
    '1000',
    '--delays',
    '50',
    '--at-once',
    '256',
  ];
  const said = await bench('bench/main.ts', ...short, '--server', server);
  const row = said.split('\n').find((line) => line.includes('main.js') && line.startsWith('|')) ?? '';
  const megabytes = Number(row.split('|').at(-2));
  expect(megabytes).toBeGreaterThan(50);
  expect(megabytes).toBeLessThan(256);
});

test('the bench compares the engines that begin by a link', async () => {
  const short = ['--rounds', '1', '--seconds', '0.2', '--warm-up', '20'];
  const said = await bench('bench/engines.ts', ...short, '--server', server);
  const rows = said.split('\n').filter((line) => /^\| (?:oidc|camara)/.test(line));
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(Number(row.split('|')[3])).toBeGreaterThan(0);
});

test('the bench alternates the requests of a login between two processes, and prints the CPU time of both', async () => {
  const short = ['--rounds', '2', '--seconds', '0.2', '--warm-up', '10', '--per-second', '50'];
  const said = await bench('bench/two-processes.ts', ...short, '--server', server);
  const rows = said.split('\n').filter((line) => /^\| (one|two)/.test(line));
  const [, both] = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  const [, , logins, sum, a, b, ...others] = both ?? [];
  for (const figure of [logins, a, b, ...others.slice(0, 4)]) expect(Number(figure)).toBeGreaterThan(0);
  expect(Number(a)).toBeLessThan(Number(sum));
  expect(said).toMatch(/From one process to two a login costs -?[\d.]+ % more CPU of the servers \(2 pairs/);
});

test('the profile divides the CPU time of a login into categories that add up to the total', async () => {
  const short = ['--logins', '100', '--warm-up', '20', '--server', server];
  const said = await bench('bench/profile.ts', ...short);
  const rows = said.split('\n').filter((line) => /^\| (?!category|-)/.test(line));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  const figures = cells.map(([, place = '', us]) => [place, Number(us)] as const);
  const at = new Map(figures);
  for (const place of ['axios', 'ioredis', 'Node: crypto', 'ours: http'])
    expect(at.get(place)).toBeGreaterThan(0);
  const parts = figures.slice(0, -1).reduce((all, [, us]) => all + us, 0);
  // Each is rounded.
  expect(Math.abs(parts - (at.get('total') ?? 0))).toBeLessThan(cells.length);
});

test('the bench kills a primary of Redis, and prints when the server writes again', async () => {
  const said = await bench('bench/failover.ts', '--rounds', '1');
  const [, seconds] = /wrote again ([\d.]+) s after .* \(1 times: [\d.]+\)/.exec(said) ?? [];
  // The sentinels wait for two seconds.
  expect(Number(seconds)).toBeGreaterThan(2);
});
