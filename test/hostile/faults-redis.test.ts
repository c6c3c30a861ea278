import { startSystem, postCode, type System } from '../support/system.js';
import { openProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { startStopwatch, until } from '../support/until.js';
import { POINTS_OF_LOGIN, bringTo, USUAL_ANSWER, type Point, type StepAnswer } from './login-points.js';
import {
  ALL_LOST,
  portOf,
  REDIS_FAULTS,
  TICKETS_USED,
  type Fault,
  type FaultySetup,
} from './redis-faults.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** The longest time until a fault of Redis is answered. */
const MAX_ANSWER_MS = 1000;

/** Starts a server that reaches its own Redis through a proxy. */
async function start(): Promise<FaultySetup> {
  const redis = await startRedis();
  const redisProxy = await openProxy(portOf(redis));
  const redisUrl = `redis://127.0.0.1:${redisProxy.port}`;
  return { redis, redisProxy, system: await startSystem({ redisUrl, env: { FALLBACK_CHANNELS: 'sms' } }) };
}

async function stop({ system, redisProxy, redis }: FaultySetup): Promise<void> {
  await system.stop();
  await redisProxy.close();
  await redis.stop();
}

/** Milliseconds until the server is ready again. */
async function recoveryMs(system: System): Promise<number> {
  const stop = startStopwatch();
  await until(async () => (await system.app().get('/readyz')).status === 200);
  return stop();
}

/** The answers to one login. */
interface Answers {
  /** When the fault begins: the logins of all points at the same time. */
  first: StepAnswer;
  /** While the fault lasts: one login after the other. */
  meanwhile: StepAnswer;
  wasLoggedIn: boolean;
  /** After the fault. */
  afterwards: StepAnswer;
}

/** Runs one fault with a login at each point. */
async function run(setup: FaultySetup, fault: Fault) {
  const { system } = setup;
  await system.reset();
  const logins = [];
  for (const point of POINTS_OF_LOGIN) logins.push(await bringTo(point, system));
  const before = (await system.upstream()).length;

  system.useProductionTimeouts(true);
  await fault.inject(setup);
  const first = await Promise.all(logins.map((login) => login.step()));
  const calls = (await system.upstream()).length - before;
  const meanwhile: StepAnswer[] = [];
  for (const login of logins) meanwhile.push(await login.step());
  const health = (await system.app().get('/healthz')).status;
  const readiness = (await system.app().get('/readyz')).status;

  await fault.repair(setup);
  const recoveredAfter = await recoveryMs(system);
  system.useProductionTimeouts(false);
  const answersOf = new Map<Point, Answers>();
  for (const [at, login] of logins.entries()) {
    const wasLoggedIn = await login.isLoggedIn();
    const before = { first: first[at] as StepAnswer, meanwhile: meanwhile[at] as StepAnswer, wasLoggedIn };
    answersOf.set(POINTS_OF_LOGIN[at] as Point, { ...before, afterwards: await login.step() });
  }
  return { answersOf, calls, health, readiness, recoveredAfter };
}

/** The permitted answers while the fault lasts. */
function permittedAnswers(point: Point, { readable }: Fault): readonly (readonly [number, string])[] {
  const unavailable = [point.endsWith('browser') ? 303 : 503, 'unavailable'] as const;
  if (point !== 'once logged in' || readable === undefined) return [unavailable];
  return readable === 'always' ? [USUAL_ANSWER[point]] : [USUAL_ANSWER[point], unavailable];
}

const short = ({ status, outcome }: StepAnswer) => [status, outcome];

let setup: FaultySetup;
beforeAll(async () => void (setup = await start()));
afterAll(() => stop(setup));

describe.each(Object.entries(REDIS_FAULTS))('Redis %s', (_what, fault) => {
  let result: Awaited<ReturnType<typeof run>>;
  let survived = 0;
  beforeAll(async () => void (result = await run(setup, fault)));
  afterAll(() => {
    const answers = [...result.answersOf.values()].flatMap(({ first, meanwhile }) => [first, meanwhile]);
    addToSummary({
      'faults tried': POINTS_OF_LOGIN.length,
      'faults survived': survived,
      'worst time to 503 (ms)': Math.max(...answers.map(({ ms }) => ms)),
    });
  });

  test.each(POINTS_OF_LOGIN)(
    '%s: is answered within a second, logs no session in, and the login continues or can begin again',
    (point) => {
      const { first, meanwhile, wasLoggedIn, afterwards } = result.answersOf.get(point) as Answers;
      for (const answer of [first, meanwhile]) {
        expect(answer.ms).toBeLessThanOrEqual(MAX_ANSWER_MS);
        if (answer === first || fault.afterwards !== TICKETS_USED) {
          expect(permittedAnswers(point, fault)).toContainEqual(short(answer));
        }
      }
      expect(wasLoggedIn).toBe(point === 'once logged in' && fault.afterwards !== ALL_LOST);
      const asUsual =
        fault.afterwards?.[point] === undefined || fault.maybeUnsent ? [USUAL_ANSWER[point]] : [];
      expect([fault.afterwards?.[point], ...asUsual]).toContainEqual(short(afterwards));
      survived += 1;
    },
  );

  test('the server stays alive, reports that it is not ready, recovers by itself, and completes the next login', async () => {
    expect([result.health, result.readiness]).toEqual([200, 503]);
    expect(result.recoveredAfter).toBeLessThan(2000);
    const { app, code } = await setup.system.walkedLogin();
    await postCode(app, code).expect(200);
  });

  test('nothing is used twice, and Vonage is not called where Redis could not be reached', async () => {
    await expectSingleUse(setup.system);
    if (fault.afterwards !== TICKETS_USED) expect(result.calls).toBe(0);
  });
});
