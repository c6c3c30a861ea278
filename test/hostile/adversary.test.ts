import { describeAdversary } from './adversary/suite.js';

// A fixed seed: the same games in each run.
describeAdversary({ runs: 8, seed: 20_260_101 });
