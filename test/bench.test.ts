import { startEnvironment, type Environment } from '../bench/environment.js';
import { compareEngines } from '../bench/engines.js';
import { measureFailover } from '../bench/failover.js';
import { compareLogins } from '../bench/main.js';
import { profileLogins } from '../bench/profile.js';
import { measureRound } from '../bench/round.js';
import { compareProcesses } from '../bench/two-processes.js';
import { built } from './support/built.js';

const [server = ''] = built('main.js');
const AT_SERVER = ['--server', server];

/** Opens a server with the same settings once. */
function openedOnce(own: Environment): Environment {
  const contestants = new Map<string, ReturnType<Environment['open']>>();
  return {
    ...own,
    open({ name, ...server }) {
      const key = JSON.stringify(server);
      const contestant = contestants.get(key) ?? own.open({ name, ...server });
      contestants.set(key, contestant);
      return contestant;
    },
  };
}

let environment: Environment;
beforeAll(async () => void (environment = openedOnce(await startEnvironment())));
afterAll(() => environment.close());

test('the bench measures logins of the server and of the floor, and prints their cost', async () => {
  const short = '--rounds 1 --seconds 0.05 --warm-up 20 --delays 0,5 --at-once 2'.split(' ');
  const said = await compareLogins(environment, [...short, '--peers', ...AT_SERVER]);
  const rows = said.split('\n').filter((line) => /^\| \d/.test(line));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  expect(cells.map(([, where, who]) => `${where ?? ''}: ${who ?? ''}`)).toEqual([
    '0 ms, 2: floor',
    `0 ms, 2: ${server}`,
    '0 ms, 2: same packages',
    '0 ms, 2: vendor SDK',
    '0 ms, 2: tutorial',
    '5 ms, 2: floor',
    `5 ms, 2: ${server}`,
    '5 ms, 2: same packages',
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
  const contestant = await environment.open({ name: 'server', file: server });
  const cell = { delayMs: 50, atOnce: 256 };
  // Each client completes at least one login.
  const { rss } = await measureRound(environment, { contestant, cell, seconds: 0.5 });
  const megabytes = rss / 1e6;
  expect(megabytes).toBeGreaterThan(50);
  expect(megabytes).toBeLessThan(256);
});

test('the bench compares the engines that begin by a link', async () => {
  const short = ['--rounds', '1', '--seconds', '0.05', '--warm-up', '20'];
  const said = await compareEngines(environment, [...short, ...AT_SERVER]);
  const rows = said.split('\n').filter((line) => /^\| (?:oidc|camara)/.test(line));
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(Number(row.split('|')[3])).toBeGreaterThan(0);
});

test('the bench alternates the requests of a login between two processes, and prints the CPU time of both', async () => {
  const short = ['--rounds', '2', '--seconds', '0.2', '--warm-up', '10', '--per-second', '50'];
  const said = await compareProcesses(environment, [...short, ...AT_SERVER]);
  const rows = said.split('\n').filter((line) => /^\| (one|two)/.test(line));
  const [, both] = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  const [, , logins, sum, a, b, ...others] = both ?? [];
  for (const figure of [logins, a, b, ...others.slice(0, 4)]) expect(Number(figure)).toBeGreaterThan(0);
  expect(Number(a)).toBeLessThan(Number(sum));
  expect(said).toMatch(/From one process to two a login costs -?[\d.]+ % more CPU of the servers \(2 pairs/);
});

test('the profile divides the CPU time of a login into categories that add up to the total', async () => {
  const short = ['--logins', '50', '--warm-up', '20'];
  const said = await profileLogins(environment, [...short, ...AT_SERVER]);
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
  const said = await measureFailover(['--rounds', '1']);
  const [, seconds] = /wrote again ([\d.]+) s after .* \(1 times: [\d.]+\)/.exec(said) ?? [];
  // The sentinels wait for two seconds.
  expect(Number(seconds)).toBeGreaterThan(2);
});
