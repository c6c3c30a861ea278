import { describeAdversary } from './adversary/suite.js';

// Other games each time. What is found is printed with its seed, and is kept in regressions.ts.
describeAdversary({ runs: 260, seed: Date.now() % 2 ** 31 });
