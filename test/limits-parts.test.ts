import { Redis } from 'ioredis';
import { createPace } from '../src/limits/pace.js';
import { partsOf, shareOf } from '../src/limits/pace.js';
import { RATES } from '../src/config/limits.js';
import { createRedisStore } from '../src/store/redis.js';
import { atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, BOB, redisUrlOfWorker, withHouse, type House } from './support/house.js';

/** With these settings the counters of logins have four parts. */
const WIDE = { ...BEHIND_PROXY, UPSTREAM_PER_SECOND: '1000', RATE_LIMITS: '' };
const ranges = Array.from({ length: 30 }, (_, each) => `192.0.${each}.7`);

describe('the counters of logins', () => {
  test.each([
    [1, 5, 1],
    [10, 5, 1],
    [499, 5, 1],
    [500, 5, 2],
    [16_667, 5, 66],
    [16_667, 1000, 8],
    [999_999_999, 5, 256],
    [100, 100_000_000, 1],
  ])(
    'for %i turns a second, of which a range may take %i, have %i part(s)',
    (upstreamPerSecond, range, parts) => {
      const rates = { ...RATES, 'login-range-second': range };
      expect(partsOf({ upstreamPerSecond, rates, paidSendsPerHour: 1 })).toBe(parts);
    },
  );

  test.each([
    [10, 1],
    [1003, 4],
    [16_667, 66],
  ])('divide %i turns evenly among %i part(s)', (perSecond, parts) => {
    const shares = Array.from({ length: parts }, (_, part) => shareOf(perSecond, part, parts));
    expect(shares.reduce((sum, share) => sum + share)).toBe(perSecond);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  });
});

describe.each(['redis', 'memory'] as const)('with %s, counters in several parts', (store) => {
  const inHouse = (work: (house: House) => Promise<void>, env: Record<string, string> = {}) =>
    withHouse({ store, env: { ...WIDE, ...env } }, async (house) => {
      atFullHour(house);
      await work(house);
    });

  /** How many of so many turns, fifty at once, are given, and how many of those have to be waited for. @param caller asks for each */
  const given = async ({ store: own, world }: House, count: number, caller: (each: number) => number) => {
    let waited = 0;
    const pause = () => {
      waited++;
      return Promise.resolve();
    };
    const limits = { upstreamPerSecond: 500, rates: RATES, paidSendsPerHour: 1 };
    // This client has no command timeout, so a busy machine does not cause refusals.
    const redis = new Redis(redisUrlOfWorker());
    const counted =
      store === 'redis'
        ? createRedisStore({ client: redis, ready: Promise.resolve(), close: () => Promise.resolve() })
        : own;
    const pace = createPace({ ...limits, store: counted, world: { ...world, pause } });
    let all = 0;
    for (let first = 0; first < count; first += 50) {
      const takes = Array.from({ length: 50 }, (_, each) =>
        pace.take([], 'network-enablement', caller(first + each)),
      );
      all += (await Promise.allSettled(takes)).filter(({ status }) => status === 'fulfilled').length;
    }
    redis.disconnect();
    return { all, waited };
  };

  test('allow as many turns as one part: those of this second, and those of the next', () =>
    inHouse(async (house) => {
      expect(await given(house, 1500, (each) => each)).toEqual({ all: 1000, waited: 500 });
      house.world.turn(1);
      expect(await given(house, 1500, (each) => each)).toEqual({ all: 500, waited: 500 });
    }));

  test('give a range whose part is full turns of other parts, so that it need not wait', () =>
    inHouse(async (house) => {
      expect(await given(house, 400, () => 1)).toEqual({ all: 400, waited: 0 });
    }));

  test('limit a range, and a number within it, like one part', () =>
    inHouse(
      async (house) => {
        for (const range of ranges.slice(0, 8)) {
          await clientAt(house, range).login(ALICE).expect(201);
          await clientAt(house, range).login(BOB).expect(201);
          const refused = await clientAt(house, range).login(BOB).expect(429);
          expect(refused.headers['ratelimit']).toContain('"login-number";r=0;');
          await clientAt(house, range).login('+447700900012').expect(201);
          await clientAt(house, range).login('+447700900013').expect(429);
        }
      },
      { RATE_LIMITS: 'login-number=1,login-range=3' },
    ));

  test('apply a pause to all parts', () =>
    inHouse(async (house) => {
      const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
      await house.control('faults', { 'network-enablement': fault });
      expect((await clientAt(house, '198.51.100.7').login(ALICE).expect(201)).body.channel).toBeNull();
      const answers = await Promise.all(ranges.map((range) => clientAt(house, range).login(BOB)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      house.world.turn(31);
      await clientAt(house, '198.51.100.7').login(ALICE).expect(201);
    }));
});

test('logins of many ranges are counted under one key per part, and of one range under one key', () =>
  withHouse({ env: WIDE }, async (house) => {
    atFullHour(house);
    const keys = async () =>
      (await house.redis.keys('limit:logins:*')).map((key) => key.split(':')[2]).sort();
    for (let each = 0; each < 3; each++) await clientAt(house, '192.0.2.7').login(`+44770090001${each}`);
    expect(await keys()).toHaveLength(1);
    await house.redis.flushdb();
    for (let each = 0; each < 9; each++) {
      await clientAt(house, `2001:db8:1:${each}0${each}::1`).login(`+44770090001${each}`);
      house.world.turn(1);
    }
    expect(await keys()).toHaveLength(1);
    await Promise.all(ranges.map((range) => clientAt(house, range).login(ALICE).expect(201)));
    expect(await keys()).toEqual(['0', '1', '2', '3']);
  }));
