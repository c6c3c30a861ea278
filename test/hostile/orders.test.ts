import { describeOrders, RACES } from './adversary/orders.js';

// A fixed seed: the same orders in each run.
describeOrders({ races: RACES, orders: 240, seed: 20_260_101 });
