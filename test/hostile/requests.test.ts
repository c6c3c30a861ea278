import { walk } from '../support/device.js';
import { ALICE, startSystem, postCode, redisUrlOfWorker, type System } from '../support/system.js';
import { CALLBACK } from './cases/callback.js';
import { COOKIES } from './cases/cookies.js';
import { get, withCookie, type Case, type Given, type Situation } from './cases/case.js';
import { LOGIN } from './cases/login.js';
import { NEXT } from './cases/next.js';
import { NUMBERS } from './cases/numbers.js';
import { PATHS_AND_METHODS } from './cases/paths.js';
import { SIZES } from './cases/sizes.js';
import { SMUGGLING } from './cases/smuggling.js';
import { ORIGINS } from './cases/origins.js';
import { VERIFY } from './cases/verify.js';
import { WEBHOOK_ENV, WEBHOOKS } from './cases/webhooks.js';
import { addToSummary } from './summary.js';
import { sendRaw, type Answer } from './raw-http.js';
import { watchWrites, type Writes } from './writes.js';

const SUBJECTS = {
  'a phone number': NUMBERS,
  'a login': LOGIN,
  'a callback': CALLBACK,
  'a verification': VERIFY,
  'the next channel': NEXT,
  'a webhook': WEBHOOKS,
  'another origin': ORIGINS,
  'a session': COOKIES,
  'a path or a method': PATHS_AND_METHODS,
  'a size': SIZES,
  'the wire': SMUGGLING,
};

const counted = { tried: 0, refused: 0, upstream: 0 };
let system: System;
let writes: Writes;
beforeAll(async () => {
  system = await startSystem({ env: { ...WEBHOOK_ENV, FALLBACK_CHANNELS: 'sms,voice' } });
  writes = await watchWrites(redisUrlOfWorker());
});
afterAll(async () => {
  writes.stop();
  await system.stop();
  addToSummary({
    'cases tried': counted.tried,
    'cases refused': counted.refused,
    'upstream calls caused by refused cases': counted.upstream,
  });
});
const port = () => Number(new URL(system.base).port);

const empty = { cookie: '', callback: '', state: '', authorizationCode: '', code: '' };
const cookieOf = (headers: Record<string, unknown>) =>
  String((headers['set-cookie'] as string[] | undefined)?.[0]).split(';')[0] ?? '';

/** Brings a login into the situation of a case. */
async function prepare(situation: Situation): Promise<Given> {
  if (situation === 'none') return { system, ...empty };
  const app = system.app();
  const client = situation === 'browser callback' ? 'browser' : 'app';
  const begun = await app.post('/login').send({ phone_number: ALICE, client }).expect(201);
  const given = { system, ...empty, cookie: cookieOf(begun.headers) };
  if (situation === 'begun') return given;
  const { hops } = await walk(String(begun.body.auth_url), { stopBefore: system.base });
  const { pathname, search, searchParams, href } = new URL(hops.at(-1) ?? '');
  given.callback = pathname + search;
  given.state = searchParams.get('state') ?? '';
  given.authorizationCode = searchParams.get('code') ?? '';
  if (situation === 'app callback' || situation === 'browser callback') return given;
  given.code = String((await walk(href)).json?.['code']);
  if (situation === 'code') return given;
  return { ...given, cookie: cookieOf((await postCode(app, given.code).expect(200)).headers) };
}

/** The logins of former cases by their situation: nothing was written since. */
const logins = new Map<Situation, Given>();

/** Checks that these logins can still be completed after all refusals. */
async function completeAll(): Promise<void> {
  for (const [situation, given] of logins) await complete(situation, given);
  logins.clear();
}

async function complete(situation: Situation, given: Given): Promise<void> {
  if (situation === 'app callback') expect((await walk(system.base + given.callback)).status).toBe(200);
  if (situation === 'browser callback') {
    const own = get(given.callback, 'Sec-Fetch-Dest: document', withCookie(given.cookie));
    expect((await sendRaw(port(), own))[0]?.headers['location']).toMatch('/#login_id=');
  }
  if (situation !== 'code') return;
  const verify = system.app().post('/verify').set('cookie', given.cookie);
  expect((await verify.send({ code: given.code })).body).toMatchObject({ verified: true });
}

function expectRefusal({ status, error, isPage = false }: Case, answer: Answer | undefined): void {
  expect(answer?.status).toBe(status);
  expect(answer?.headers['set-cookie']).toBeUndefined();
  expect(answer?.body).not.toMatch(/7700900|stack|node_modules|evil/);
  if (status === 303) expect(answer?.headers['location']).toMatch(`/#error=${error}&`);
  else if (status === 200) expect(JSON.parse(answer?.body ?? '')).toEqual({ authenticated: false });
  else if (isPage) expectPage(error ?? '', answer as Answer);
  else if (error !== undefined) expectProblem(status, error, answer as Answer);
}

function expectPage(error: string, { headers, body }: Answer): void {
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': expect.stringMatching(/^default-src 'none';style-src 'self';img-src 'self';/),
  });
  expect(body).toContain(`<code>${error} ${headers['x-request-id']}</code>`);
}

function expectProblem(status: number, error: string, { headers, body }: Answer): void {
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(headers['content-type']).toBe('application/problem+json');
  expect(problem).toEqual({
    type: expect.stringMatching(new RegExp(`errors(\\.md)?#${error}$`)),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    error,
    instance: headers['x-request-id'],
    ...('errors' in problem && { errors: expect.any(Array) }),
    ...('retry_after' in problem && { retry_after: expect.any(Number) }),
    ...('next_channels' in problem && { next_channels: expect.any(Array) }),
  });
  expect(body.length).toBeLessThan(2500);
}

describe.each(Object.entries(SUBJECTS))(
  'an invalid request is refused without a call to Vonage: %s',
  (_subject, cases) => {
    beforeAll(() => system.reset());
    afterAll(completeAll);

    test.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
      const { situation = 'none', writes: expected = [], error } = each;
      const given = logins.get(situation) ?? (await prepare(situation));
      logins.delete(situation);
      const before = (await system.upstream()).length;
      const lines = system.world.logged().length;
      await writes.since();

      counted.tried++;
      const answers = await sendRaw(port(), await each.bytes(given));
      const calls = (await system.upstream()).length - before;
      counted.upstream += calls;
      expect(answers).toHaveLength(each.answers ?? 1);
      expectRefusal(each, answers.at(-1));
      counted.refused++;

      expect(calls).toBe(0);
      expect(await writes.since()).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
      expect(system.world.logged().slice(lines)).not.toMatch(/7700900|internal_error/);
      logins.set(situation, given);
      // A login has few tries of a code.
      if (error === 'invalid_code' || expected.length > 0) await completeAll();
    });
  },
);
