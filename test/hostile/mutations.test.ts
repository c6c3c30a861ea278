import { mutate } from './mutate.js';
import { MUTATIONS } from './mutations.js';
import { describeMutations } from './mutation-suite.js';

/** The rules that everything stands on; all of them are broken in the long run. */
const QUICK = [
  'a code belongs to the session that began its login',
  'a SIM of another number is nobody',
  'the session has a new id once it is logged in',
  'a code is taken, not read',
  'a challenge has to be answered',
];

describeMutations(MUTATIONS.filter(({ rule }) => QUICK.includes(rule)));

test('a mutation whose place is gone is an error, not a rule that holds', async () => {
  const gone = {
    rule: 'any',
    file: 'src/login/verify.ts',
    find: 'nowhere in this file',
    replace: '',
    caughtBy: { engine: 'off', store: 'memory' },
  } as const;
  await expect(mutate(gone)).rejects.toThrow('does not hold exactly once');
});
