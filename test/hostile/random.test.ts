import { describeRandom } from './random-suite.js';

// A fixed seed: the same requests in each run.
describeRandom(4_000, 20_260_101);
