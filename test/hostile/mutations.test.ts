import { MUTATIONS } from './mutations.js';
import { describeMutations } from './mutation-suite.js';

/** The rules that everything stands on; all of them are broken in the long run. */
const QUICK = [
  'a code belongs to the session that began its login',
  'a SIM of another number is nobody',
  'the session has a new id once it is logged in',
];

describeMutations(MUTATIONS.filter(({ rule }) => QUICK.includes(rule)));
