import { describeRandom } from './random-suite.js';

// One seed, so that a change is what makes the test fail. `SEED=…` draws others.
describeRandom(10_000, Number(process.env['SEED'] ?? 20_260_101));
