import { describeMoney } from './money-suite.js';

describeMoney(50);
