import { buildHouse, postCode, type House } from '../support/house.js';
import { openProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { POINTS_OF_LOGIN, bringTo, WELL, type Point, type Said } from './login-points.js';
import { LOST, portOf, REDIS_FAULTS, TICKETS_SPENT, type Fault, type Scene } from './redis-faults.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

/** Milliseconds in which a fault of Redis has to be an answer. */
const WITHIN = 1000;

/** A server that reaches a Redis of its own through a proxy. */
async function setScene(): Promise<Scene> {
  const redis = await startRedis();
  const way = await openProxy(portOf(redis));
  const redisUrl = `redis://127.0.0.1:${way.port}`;
  return { redis, way, house: await buildHouse({ redisUrl, env: { FALLBACK_CHANNELS: 'sms' } }) };
}

async function strike({ house, way, redis }: Scene): Promise<void> {
  await house.stop();
  await way.close();
  await redis.stop();
}

/** Milliseconds until the server says that it is ready again. */
async function comeBack(house: House): Promise<number> {
  const startedAt = performance.now();
  await until(async () => (await house.app().get('/readyz')).status === 200);
  return performance.now() - startedAt;
}

/** What the app was told of one login: all points at once as the fault begins, one after the other while it lasts, and once it is over. */
interface Course {
  first: Said;
  meanwhile: Said;
  wasLoggedIn: boolean;
  afterwards: Said;
}

/** One fault, with a login at each of the points. */
async function endure(scene: Scene, fault: Fault) {
  const { house } = scene;
  const standing = [];
  for (const point of POINTS_OF_LOGIN) standing.push(await bringTo(point, house));
  const before = (await house.upstream()).length;

  await fault.breakIt(scene);
  const first = await Promise.all(standing.map((each) => each.step()));
  const calls = (await house.upstream()).length - before;
  const meanwhile: Said[] = [];
  for (const each of standing) meanwhile.push(await each.step());
  const health = (await house.app().get('/healthz')).status;
  const readiness = (await house.app().get('/readyz')).status;

  await fault.mendIt(scene);
  const backAfter = await comeBack(house);
  const courses = new Map<Point, Course>();
  for (const [at, each] of standing.entries()) {
    const wasLoggedIn = await each.isLoggedIn();
    const told = { first: first[at] as Said, meanwhile: meanwhile[at] as Said, wasLoggedIn };
    courses.set(POINTS_OF_LOGIN[at] as Point, { ...told, afterwards: await each.step() });
  }
  return { courses, calls, health, readiness, backAfter };
}

/** What may be answered while it lasts. */
function refusals(point: Point, { readable }: Fault): readonly (readonly [number, string])[] {
  const unavailable = [point.endsWith('browser') ? 303 : 503, 'unavailable'] as const;
  if (point !== 'once logged in' || readable === undefined) return [unavailable];
  return readable === 'always' ? [WELL[point]] : [WELL[point], unavailable];
}

const short = ({ status, word }: Said) => [status, word];

describe.each(Object.entries(REDIS_FAULTS))('Redis %s', (_what, fault) => {
  let scene: Scene;
  let endured: Awaited<ReturnType<typeof endure>>;
  let survived = 0;
  beforeAll(async () => {
    scene = await setScene();
    endured = await endure(scene, fault);
  });
  afterAll(async () => {
    await strike(scene);
    const said = [...endured.courses.values()].flatMap(({ first, meanwhile }) => [first, meanwhile]);
    addToSummary({
      'faults tried': POINTS_OF_LOGIN.length,
      'faults survived': survived,
      'worst time to 503 (ms)': Math.max(...said.map(({ ms }) => ms)),
    });
  });

  test.each(POINTS_OF_LOGIN)(
    '%s: is an answer within a second, logs nobody in, and the login goes on or begins again',
    (point) => {
      const { first, meanwhile, wasLoggedIn, afterwards } = endured.courses.get(point) as Course;
      for (const said of [first, meanwhile]) {
        expect(said.ms).toBeLessThanOrEqual(WITHIN);
        if (said === first || fault.afterwards !== TICKETS_SPENT) {
          expect(refusals(point, fault)).toContainEqual(short(said));
        }
      }
      expect(wasLoggedIn).toBe(point === 'once logged in' && fault.afterwards !== LOST);
      const asUsual = fault.afterwards?.[point] === undefined || fault.maybeUnsent ? [WELL[point]] : [];
      expect([fault.afterwards?.[point], ...asUsual]).toContainEqual(short(afterwards));
      survived += 1;
    },
  );

  test('the server lives, says that it is not ready, comes back by itself, and logs people in at once', async () => {
    expect([endured.health, endured.readiness]).toEqual([200, 503]);
    expect(endured.backAfter).toBeLessThan(2000);
    const { app, code } = await scene.house.walkedLogin();
    await postCode(app, code).expect(200);
  });

  test('nothing was spent twice, and nothing at all where Redis could not even be asked', async () => {
    await expectSingleUse(scene.house);
    if (fault.afterwards !== TICKETS_SPENT) expect(endured.calls).toBe(0);
  });
});
