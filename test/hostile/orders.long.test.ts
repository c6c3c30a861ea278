import { describeOrders, RACES } from './adversary/orders.js';

// Half of the races, so that two processors play them. A new seed for each run.
// `npm run test:hostile -- orders --orders=1000000` plays more.
const orders = Number(process.env['ADVERSARY_ORDERS'] ?? 20_000);
describeOrders({
  races: RACES.slice(0, RACES.length / 2),
  orders: Math.ceil(orders / 2),
  seed: Date.now() % 2 ** 31,
});
