import { GAMES_TEST, mutate } from './mutate.js';
import type { Mutation } from './mutations.js';
import { addToSummary } from './summary.js';

/** Enough for all games of the adversary. */
const TIMEOUT_MS = 600_000;

export function describeMutations(mutations: readonly Mutation[]): void {
  describe('a test fails when a rule is broken on purpose', () => {
    let [tried, caught] = [0, 0];

    test.each(mutations)(
      '$rule',
      async (mutation) => {
        tried++;
        const failed = await mutate(mutation);
        const name = 'suite' in mutation.caughtBy ? mutation.caughtBy.test : GAMES_TEST;
        const message = failed.get(name) ?? '';
        // A copy that does not start would fail as well, so the adversary has to print a seed.
        expect(message).toMatch('suite' in mutation.caughtBy ? /./ : /seed \d+/);
        caught++;
        process.stderr.write(`caught: ${mutation.rule}\n  ${message.split('\n')[0] ?? ''}\n`);
      },
      TIMEOUT_MS,
    );

    afterAll(() => addToSummary({ 'mutations tried': tried, 'mutations caught': caught }));
  });
}
