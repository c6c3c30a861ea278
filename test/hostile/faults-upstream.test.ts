import { buildHouse, postCode, type House } from '../support/house.js';
import { openProxy, type Proxy } from '../support/proxy.js';
import { bringTo, WELL, type Point, type Said } from './login-points.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

const ENV = { FALLBACK_CHANNELS: 'sms' };
type Answer = readonly [status: number, word: string];

/** The points whose step asks Vonage, and milliseconds in which it has to be answered whatever Vonage does. */
const DEADLINES = {
  'before login': 3000,
  'between login and callback': 2500,
  'between login and the callback of a browser': 2500,
  'between callback and verify': 3000,
  'before a message is asked for': 5000,
  'before the code of a message is typed': 5000,
} satisfies Partial<Record<Point, number>>;
type Asking = keyof typeof DEADLINES;
const ASKING = Object.keys(DEADLINES) as Asking[];

/** Milliseconds beyond the deadline for our own work, and for a machine that is busy. */
const SLACK = 700;

/** There is another way, so a login begins without the silent one. */
const NO_SILENCE: Answer = [201, 'null'];

const failing = (error: string, status: number): Record<Asking, Answer> => ({
  'before login': NO_SILENCE,
  'between login and callback': [status, error],
  'between login and the callback of a browser': [303, error],
  'between callback and verify': [status, error],
  'before a message is asked for': [status, error],
  'before the code of a message is typed': [status, error],
});

/** What came of a step before it failed cannot be had again: its ticket is taken. */
const SPENT: Partial<Record<Asking, Answer>> = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
  'between callback and verify': [400, 'invalid_code'],
};
/** Vonage did as it was asked, and only its answer was lost. */
const DONE_AT_VONAGE: Partial<Record<Asking, Answer>> = {
  ...SPENT,
  'before a message is asked for': [409, 'login_in_progress'],
  'before the code of a message is typed': [410, 'login_expired'],
};

interface Fault {
  breakIt: (way: Proxy) => unknown;
  said: Record<Asking, Answer>;
  /** What a step that failed is answered when it is tried again, where that is not as usual. */
  afterwards: Partial<Record<Asking, Answer>>;
}

const FAULTS: Record<string, Fault> = {
  killed: {
    breakIt: (way) => way.close(),
    said: failing('upstream_error', 502),
    afterwards: SPENT,
  },
  hanging: {
    breakIt: (way) => way.breakWith('hanging'),
    said: failing('upstream_timeout', 504),
    afterwards: SPENT,
  },
  'resetting before the request was read': {
    breakIt: (way) => way.breakWith('resetting before the request was read'),
    said: failing('upstream_error', 502),
    afterwards: SPENT,
  },
  'resetting after the request was sent': {
    breakIt: (way) => way.breakWith('resetting after the request was sent'),
    said: failing('upstream_error', 502),
    afterwards: DONE_AT_VONAGE,
  },
  'ending in the middle of the answer': {
    breakIt: (way) => way.breakWith('ending in the middle of the answer'),
    said: failing('upstream_error', 502),
    afterwards: DONE_AT_VONAGE,
  },
};

describe.each(Object.entries(FAULTS))('Vonage %s', (_what, fault) => {
  let house: House;
  let way: Proxy;
  const said = new Map<Asking, Said>();
  const loggedIn = new Map<Asking, boolean>();
  const afterwards = new Map<Asking, Said>();
  let survived = 0;

  /** One fault, with a login at each of the points. */
  beforeAll(async () => {
    const between = async (sandbox: string) => {
      way = await openProxy(Number(new URL(sandbox).port));
      return `http://localhost:${way.port}`;
    };
    house = await buildHouse({ between, env: ENV });
    const standing = new Map<Asking, Awaited<ReturnType<typeof bringTo>>>();
    for (const point of ASKING) standing.set(point, await bringTo(point, house));
    await fault.breakIt(way);
    await Promise.all([...standing].map(async ([point, each]) => said.set(point, await each.step())));
    await way.mend();
    for (const [point, each] of standing) {
      loggedIn.set(point, await each.isLoggedIn());
      afterwards.set(point, await each.step());
    }
  });
  afterAll(async () => {
    await house.stop();
    await way.close();
    addToSummary({ 'faults tried': ASKING.length, 'faults survived': survived });
  });

  test.each(ASKING)('%s: is an answer in time, logs nobody in, and is asked once', (point) => {
    const { status, word, ms } = said.get(point) as Said;
    expect([status, word]).toEqual(fault.said[point]);
    expect(ms).toBeLessThanOrEqual(DEADLINES[point] + SLACK);
    expect(loggedIn.get(point)).toBe(false);
    const again = afterwards.get(point) as Said;
    expect([again.status, again.word]).toEqual(fault.afterwards[point] ?? WELL[point]);
    survived += 1;
  });

  test('nothing was spent twice, and the next login goes through at its first try', async () => {
    await expectSingleUse(house);
    const { app, code } = await house.walkedLogin();
    await postCode(app, code).expect(200);
  });
});
