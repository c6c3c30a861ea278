import { describeAdversary } from './adversary/suite.js';

// The same games each time: chance belongs to the long run.
describeAdversary({ runs: 16, seed: 20_260_101 });
