import { walk } from '../support/device.js';
import { buildHouse, postCode, withHouse, type House, WEBHOOKS } from '../support/house.js';
import { until } from '../support/until.js';
import { testWorld, type TestWorld } from '../support/world.js';
import { POINTS_OF_LOGIN, bringTo, WELL, type Point } from './login-points.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** Seconds: twice what a login lasts, an application JWT lives, and a webhook may be old. */
const OFF = 600;

type Answer = readonly [status: number, word: string];
type Answers = Partial<Record<Point, Answer>>;

/** Our JWT is not good at Vonage. There is another way, so a login begins all the same, without the silent one. */
const NOT_BELIEVED: Answers = {
  'before login': [201, 'null'],
  'between login and callback': [502, 'upstream_error'],
  'between login and the callback of a browser': [303, 'upstream_error'],
  'before a message is asked for': [502, 'upstream_error'],
  'before the code of a message is typed': [502, 'upstream_error'],
};
/** What a step took is not there for another try. */
const TAKEN: Answers = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
};

interface Row {
  turn: (clocks: { ours: TestWorld; vonages: TestWorld }, seconds: number) => void;
  seconds: number;
  /** Answers that are not as usual, while the clock is off and after it was set right. */
  meanwhile: Answers;
  afterwards: Answers;
}

const ours: Row['turn'] = (clocks, seconds) => clocks.ours.turn(seconds);
const vonages: Row['turn'] = (clocks, seconds) => clocks.vonages.turn(seconds);
const CODE_TAKEN: Answers = { 'between callback and verify': [400, 'invalid_code'] };

const ROWS: Record<string, Row> = {
  'ours is ten minutes fast': {
    turn: ours,
    seconds: OFF,
    meanwhile: {
      ...NOT_BELIEVED,
      ...TAKEN,
      ...CODE_TAKEN,
      'before the code of a message is typed': [410, 'login_expired'],
    },
    afterwards: { ...TAKEN, ...CODE_TAKEN },
  },
  'ours is ten minutes slow': {
    turn: ours,
    seconds: -OFF,
    meanwhile: NOT_BELIEVED,
    afterwards: { ...TAKEN, ...CODE_TAKEN },
  },
  "Vonage's is ten minutes fast": {
    turn: vonages,
    seconds: OFF,
    meanwhile: { ...NOT_BELIEVED, 'between callback and verify': [502, 'upstream_error'] },
    afterwards: { ...TAKEN, ...CODE_TAKEN },
  },
  "Vonage's is ten minutes slow": {
    turn: vonages,
    seconds: -OFF,
    meanwhile: NOT_BELIEVED,
    afterwards: { ...TAKEN, ...CODE_TAKEN },
  },
};

describe.each(Object.entries(ROWS))('while of two clocks %s', (_what, row) => {
  let house: House;
  let clocks: { ours: TestWorld; vonages: TestWorld };
  let survived = 0;
  beforeAll(async () => {
    const vonageWorld = testWorld();
    house = await buildHouse({ vonageWorld, env: { FALLBACK_CHANNELS: 'sms' } });
    clocks = { ours: house.world, vonages: vonageWorld };
  });
  beforeEach(() => house.reset());
  afterAll(async () => {
    await house.stop();
    addToSummary({ 'faults tried': POINTS_OF_LOGIN.length, 'faults survived': survived });
  });

  test.each(POINTS_OF_LOGIN)(
    '%s: who is logged in is the one with the SIM, and all is well again',
    async (point) => {
      const login = await bringTo(point, house);
      const step = async () => {
        const { status, word } = await login.step();
        return [status, word];
      };
      row.turn(clocks, row.seconds);
      const meanwhile = await step();
      const wasLoggedIn = await login.isLoggedIn();
      row.turn(clocks, -row.seconds);
      expect(meanwhile).toEqual(row.meanwhile[point] ?? WELL[point]);
      expect(wasLoggedIn).toBe(['verified', 'logged in'].includes(String(meanwhile[1])));
      expect(await step()).toEqual(row.afterwards[point] ?? WELL[point]);
      await expectSingleUse(house);
      const { app, code } = await house.walkedLogin('+447700900077');
      await postCode(app, code).expect(200);
      survived += 1;
    },
  );
});

test.each([OFF, -OFF])('a webhook is not believed while the clocks are %i seconds apart', async (seconds) => {
  const env = {
    SILENT_AUTH: 'verify',
    FALLBACK_CHANNELS: 'sms',
    ...WEBHOOKS,
  };
  await withHouse({ vonageWorld: testWorld(), env }, async (house) => {
    const heard = async () =>
      (await (await fetch(`${house.sandbox}/__sandbox/webhooks`)).json()) as { status: number | null }[];
    const app = house.app();
    const begun = await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
    house.world.turn(seconds);
    await walk(String(begun.body.auth_url));
    await until(async () => (await heard()).some(({ status }) => status !== null));
    expect((await heard()).map(({ status }) => status)).not.toContain(204);
    expect(await house.redis.keys('verify:*')).toEqual([]);
  });
});
