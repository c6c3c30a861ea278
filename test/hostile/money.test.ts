import { describeMoney } from './money-suite.js';

// A fixed seed: the same logins in each run.
describeMoney(30, 20_261_127);
