import { MUTATIONS } from './mutations.js';
import { describeMutations } from './mutation-suite.js';

describeMutations(MUTATIONS);
