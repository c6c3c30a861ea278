import { describeAdversary } from './adversary/suite.js';

// The same games each time: chance belongs to the long run.
describeAdversary({ runs: 60, seed: 20_260_101 });
