import { describeAdversary } from './adversary/suite.js';

// A new seed for each run. A failing game is printed with its seed; add it to regressions.ts.
describeAdversary({ runs: 260, seed: Date.now() % 2 ** 31 });
