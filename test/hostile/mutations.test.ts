import { readFileSync } from 'node:fs';
import type { Field } from './adversary/environment.js';
import { runGames } from './adversary/run-games.js';
import { mutate, SEED, serversWith } from './mutate.js';
import { MUTATIONS } from './mutations.js';
import { describeMutations } from './mutation-suite.js';

/** The most important rules; the long run breaks all rules. */
const QUICK = [
  'a code belongs to the session that began its login',
  'a SIM of another number logs no session in',
  'the session has a new id once it is logged in',
  'a code is taken, not read',
  'a challenge requires its verifier',
];

const quick = MUTATIONS.filter(({ rule }) => QUICK.includes(rule));
describeMutations(quick);

test('games find nothing in a build that is loaded like a mutation, with every rule kept', async () => {
  const kept = Object.fromEntries(quick.map(({ file }) => [file, readFileSync(file, 'utf8')]));
  const servers = await serversWith(kept);
  for (const { caughtBy } of quick as { caughtBy: Field }[])
    expect((await runGames({ ...caughtBy, runs: 2, seed: SEED, servers })).broken).toBeUndefined();
});

test('a mutation whose source text does not exist is an error', async () => {
  const outdated = {
    rule: 'any',
    file: 'src/login/verify.ts',
    find: 'nowhere in this file',
    replace: '',
    caughtBy: { engine: 'off', store: 'memory' },
  } as const;
  await expect(mutate(outdated)).rejects.toThrow('does not hold exactly once');
});

test('the text that each mutation replaces occurs once', () => {
  const counts = MUTATIONS.map(({ rule, file, find }) => [
    rule,
    readFileSync(file, 'utf8').split(find).length,
  ]);
  expect(counts).toEqual(MUTATIONS.map(({ rule }) => [rule, 2]));
});
