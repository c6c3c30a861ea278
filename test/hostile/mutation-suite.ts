import { HUNT, mutate } from './mutate.js';
import type { Mutation } from './mutations.js';
import { addToSummary } from './summary.js';

/** Milliseconds for one: the whole run of the adversary, at the worst. */
const PATIENCE = 600_000;

export function describeMutations(mutations: readonly Mutation[]): void {
  describe('a rule that is broken on purpose is noticed', () => {
    let [tried, caught] = [0, 0];

    test.each(mutations)(
      '$rule',
      async (mutation) => {
        tried++;
        const failed = await mutate(mutation);
        const name = 'suite' in mutation.caughtBy ? mutation.caughtBy.test : HUNT;
        const said = failed.get(name) ?? '';
        // A copy that does not even run would fail too: the adversary has to say what he broke.
        expect(said).toMatch('suite' in mutation.caughtBy ? /./ : /seed \d+/);
        caught++;
        process.stderr.write(`caught: ${mutation.rule}\n  ${said.split('\n')[0] ?? ''}\n`);
      },
      PATIENCE,
    );

    afterAll(() => addToSummary({ 'mutations tried': tried, 'mutations caught': caught }));
  });
}
