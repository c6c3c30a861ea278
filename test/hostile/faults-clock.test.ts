import { walk } from '../support/device.js';
import { startSystem, postCode, withSystem, type System, WEBHOOKS } from '../support/system.js';
import { until } from '../support/until.js';
import { testWorld, type TestWorld } from '../support/world.js';
import { POINTS_OF_LOGIN, bringTo, USUAL_ANSWER, type Point } from './login-points.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** Twice the lifetime of a login and an application JWT, and the age limit of a webhook. */
const OFFSET_SECONDS = 600;

type Answer = readonly [status: number, outcome: string];
type Answers = Partial<Record<Point, Answer>>;

/**
 * Vonage refuses our JWT. A login begins without the silent channel, because another one is left.
 */
const JWT_REFUSED: Answers = {
  'before login': [201, 'null'],
  'between login and callback': [502, 'upstream_error'],
  'between login and the callback of a browser': [303, 'upstream_error'],
  'before a message is asked for': [502, 'upstream_error'],
  'before the code of a message is typed': [502, 'upstream_error'],
};
/** The step consumed its ticket, so it cannot be repeated. */
const TICKET_USED: Answers = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
};

interface Row {
  turn: (clocks: { ours: TestWorld; vonages: TestWorld }, seconds: number) => void;
  seconds: number;
  /** Answers that differ from the usual ones while the clock is wrong. */
  meanwhile: Answers;
  /** The same after the clock was corrected. */
  afterwards: Answers;
}

const ours: Row['turn'] = (clocks, seconds) => clocks.ours.turn(seconds);
const vonages: Row['turn'] = (clocks, seconds) => clocks.vonages.turn(seconds);
const CODE_USED: Answers = { 'between callback and verify': [400, 'invalid_code'] };

const ROWS: Record<string, Row> = {
  'our clock is ten minutes fast': {
    turn: ours,
    seconds: OFFSET_SECONDS,
    meanwhile: {
      ...JWT_REFUSED,
      ...TICKET_USED,
      ...CODE_USED,
      'before the code of a message is typed': [410, 'login_expired'],
    },
    afterwards: { ...TICKET_USED, ...CODE_USED },
  },
  'our clock is ten minutes slow': {
    turn: ours,
    seconds: -OFFSET_SECONDS,
    meanwhile: JWT_REFUSED,
    afterwards: { ...TICKET_USED, ...CODE_USED },
  },
  "Vonage's clock is ten minutes fast": {
    turn: vonages,
    seconds: OFFSET_SECONDS,
    meanwhile: { ...JWT_REFUSED, 'between callback and verify': [502, 'upstream_error'] },
    afterwards: { ...TICKET_USED, ...CODE_USED },
  },
  "Vonage's clock is ten minutes slow": {
    turn: vonages,
    seconds: -OFFSET_SECONDS,
    meanwhile: JWT_REFUSED,
    afterwards: { ...TICKET_USED, ...CODE_USED },
  },
};

describe.each(Object.entries(ROWS))('while %s', (_what, row) => {
  let system: System;
  let clocks: { ours: TestWorld; vonages: TestWorld };
  let survived = 0;
  beforeAll(async () => {
    const vonageWorld = testWorld();
    system = await startSystem({ vonageWorld, env: { FALLBACK_CHANNELS: 'sms' } });
    clocks = { ours: system.world, vonages: vonageWorld };
  });
  beforeEach(() => system.reset());
  afterAll(async () => {
    await system.stop();
    addToSummary({ 'faults tried': POINTS_OF_LOGIN.length, 'faults survived': survived });
  });

  test.each(POINTS_OF_LOGIN)(
    '%s: only the owner of the SIM is logged in, and the server recovers',
    async (point) => {
      const login = await bringTo(point, system);
      const step = async () => {
        const { status, outcome } = await login.step();
        return [status, outcome];
      };
      row.turn(clocks, row.seconds);
      const meanwhile = await step();
      const wasLoggedIn = await login.isLoggedIn();
      row.turn(clocks, -row.seconds);
      expect(meanwhile).toEqual(row.meanwhile[point] ?? USUAL_ANSWER[point]);
      expect(wasLoggedIn).toBe(['verified', 'logged in'].includes(String(meanwhile[1])));
      expect(await step()).toEqual(row.afterwards[point] ?? USUAL_ANSWER[point]);
      await expectSingleUse(system);
      const { app, code } = await system.walkedLogin('+447700900077');
      await postCode(app, code).expect(200);
      survived += 1;
    },
  );
});

test.each([OFFSET_SECONDS, -OFFSET_SECONDS])(
  'a webhook is refused while the clocks differ by %i seconds',
  async (seconds) => {
    const env = {
      SILENT_AUTH: 'verify',
      FALLBACK_CHANNELS: 'sms',
      ...WEBHOOKS,
    };
    await withSystem({ vonageWorld: testWorld(), env }, async (system) => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: '+447700900103' }).expect(201);
      system.world.turn(seconds);
      await walk(String(begun.body.auth_url));
      await until(async () => (await system.webhooks()).some(({ status }) => status !== null));
      expect((await system.webhooks()).map(({ status }) => status)).not.toContain(204);
      expect(await system.redis.keys('verify:[^l]*')).toEqual([]);
    });
  },
);
