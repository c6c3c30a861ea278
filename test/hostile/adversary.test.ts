import { describeAdversary } from './adversary/suite.js';

// A fixed seed: the same games in each run.
describeAdversary({ runs: 6, seed: 20_260_201 });
