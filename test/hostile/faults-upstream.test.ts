import { startSystem, postCode, type System } from '../support/system.js';
import { openProxy, type Proxy } from '../support/proxy.js';
import { bringTo, USUAL_ANSWER, type Point, type StepAnswer } from './login-points.js';
import { expectSingleUse } from './single-use.js';
import { addToSummary } from './summary.js';

const ENV = { FALLBACK_CHANNELS: 'sms' };
type Answer = readonly [status: number, outcome: string];

/** The points whose step calls Vonage, and the longest time until the step is answered (ms). */
const DEADLINES_MS = {
  'before login': 3000,
  'between login and callback': 2500,
  'between login and the callback of a browser': 2500,
  'between callback and verify': 3000,
  'before a message is asked for': 5000,
  'before the code of a message is typed': 5000,
} satisfies Partial<Record<Point, number>>;
type CallingPoint = keyof typeof DEADLINES_MS;
const CALLING_POINTS = Object.keys(DEADLINES_MS) as CallingPoint[];

/** Added to the deadline for the server's own work on a busy machine. */
const TOLERANCE_MS = 700;

/** A login begins without the silent channel if another one is left. */
const WITHOUT_SILENT_AUTH: Answer = [201, 'null'];

const failing = (error: string, status: number): Record<CallingPoint, Answer> => ({
  'before login': WITHOUT_SILENT_AUTH,
  'between login and callback': [status, error],
  'between login and the callback of a browser': [303, error],
  'between callback and verify': [status, error],
  'before a message is asked for': [status, error],
  'before the code of a message is typed': [status, error],
});

/** The failed step consumed its ticket. */
const TICKET_USED: Partial<Record<CallingPoint, Answer>> = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
  'between callback and verify': [400, 'invalid_code'],
};
/** Vonage did what was requested, and its answer was lost. */
const DONE_AT_VONAGE: Partial<Record<CallingPoint, Answer>> = {
  ...TICKET_USED,
  'before a message is asked for': [409, 'login_in_progress'],
  'before the code of a message is typed': [410, 'login_expired'],
};

interface Fault {
  inject: (proxy: Proxy) => unknown;
  answers: Record<CallingPoint, Answer>;
  /** Answers to the repeated step that differ from the usual ones. */
  afterwards: Partial<Record<CallingPoint, Answer>>;
}

const FAULTS: Record<string, Fault> = {
  killed: {
    inject: (proxy) => proxy.close(),
    answers: failing('upstream_error', 502),
    afterwards: TICKET_USED,
  },
  hanging: {
    inject: (proxy) => proxy.breakWith('hanging'),
    answers: failing('upstream_timeout', 504),
    afterwards: TICKET_USED,
  },
  'resetting before the request was read': {
    inject: (proxy) => proxy.breakWith('resetting before the request was read'),
    answers: failing('upstream_error', 502),
    afterwards: TICKET_USED,
  },
  'resetting after the request was sent': {
    inject: (proxy) => proxy.breakWith('resetting after the request was sent'),
    answers: failing('upstream_error', 502),
    afterwards: DONE_AT_VONAGE,
  },
  'ending in the middle of the answer': {
    inject: (proxy) => proxy.breakWith('ending in the middle of the answer'),
    answers: failing('upstream_error', 502),
    afterwards: DONE_AT_VONAGE,
  },
};

describe.each(Object.entries(FAULTS))('Vonage %s', (_what, fault) => {
  let system: System;
  let proxy: Proxy;
  const answers = new Map<CallingPoint, StepAnswer>();
  const loggedIn = new Map<CallingPoint, boolean>();
  const afterwards = new Map<CallingPoint, StepAnswer>();
  let survived = 0;

  beforeAll(async () => {
    const between = async (sandbox: string) => {
      proxy = await openProxy(Number(new URL(sandbox).port));
      return `http://localhost:${proxy.port}`;
    };
    system = await startSystem({ between, env: ENV });
    const logins = new Map<CallingPoint, Awaited<ReturnType<typeof bringTo>>>();
    for (const point of CALLING_POINTS) logins.set(point, await bringTo(point, system));
    await fault.inject(proxy);
    await Promise.all([...logins].map(async ([point, login]) => answers.set(point, await login.step())));
    await proxy.mend();
    for (const [point, login] of logins) {
      loggedIn.set(point, await login.isLoggedIn());
      afterwards.set(point, await login.step());
    }
  });
  afterAll(async () => {
    await system.stop();
    await proxy.close();
    addToSummary({ 'faults tried': CALLING_POINTS.length, 'faults survived': survived });
  });

  test.each(CALLING_POINTS)('%s: is answered in time, logs no session in, and is sent once', (point) => {
    const { status, outcome, ms } = answers.get(point) as StepAnswer;
    expect([status, outcome]).toEqual(fault.answers[point]);
    expect(ms).toBeLessThanOrEqual(DEADLINES_MS[point] + TOLERANCE_MS);
    expect(loggedIn.get(point)).toBe(false);
    const again = afterwards.get(point) as StepAnswer;
    expect([again.status, again.outcome]).toEqual(fault.afterwards[point] ?? USUAL_ANSWER[point]);
    survived += 1;
  });

  test('nothing is used twice, and the next login succeeds at once', async () => {
    await expectSingleUse(system);
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
  });
});
