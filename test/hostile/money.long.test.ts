import { describeMoney } from './money-suite.js';

describeMoney(250, Number(process.env['SEED'] ?? Date.now() % 2 ** 31));
