import { decodeJwt } from 'jose';
import type { Hooks, ProvenLogin } from '../src/login/hooks.js';
import { ASSERTIONS } from './support/assertions.js';
import { ALICE, BOB, CHAINED, postCode, startSystem, withSystem, WITH_CODES } from './support/system.js';
import type { System, SystemOptions } from './support/system.js';

const [SWAPPED, UNKNOWN, NOT_COVERED] = ['+447700900116', '+447700900117', '+447700900118'];
/** A number that cannot be verified silently. */
const NO_SILENCE = '+447700900102';

const ASKED = /\/identity-insights\/v1\/requests$|\/sim-swap\/v2\/check$/;
type App = ReturnType<System['app']>;

const questions = async (system: System) =>
  (await system.upstream()).filter(({ path }) => ASKED.test(path)).map(({ body }) => body);
const isLoggedIn = async (app: App) => (await app.get('/session')).body.authenticated as boolean;
const set = (system: System, number: string, subscriber: object) =>
  fetch(`${system.sandbox}/__sandbox/subscribers/${encodeURIComponent(number)}`, {
    method: 'PUT',
    body: JSON.stringify(subscriber),
  });
const begin = async (system: System, phoneNumber: string) => {
  const app = system.app();
  await app.post('/login').send({ phone_number: phoneNumber }).expect(201);
  return app;
};
/** Logs in by SMS. @returns the status of each request */
const byCode = async (system: System, phoneNumber: string) => {
  const app = await begin(system, phoneNumber);
  const next = await app.post('/login/next').send({ channel: 'sms' });
  if (next.status !== 200) return { app, next };
  const code = (await system.messages()).at(-1)?.code ?? '';
  return { app, next, verified: await postCode(app, code) };
};
const silently = async (system: System, phoneNumber: string) => {
  const { app, code } = await system.walkedLogin(phoneNumber);
  return { app, answer: await postCode(app, code) };
};

const settings = (more: Record<string, string> = {}): SystemOptions => ({
  env: { ...WITH_CODES, SIM_SWAP_HOURS: '72', ...more },
});

describe.each(['network-enablement', 'oidc', 'verify', 'camara'])('with SILENT_AUTH=%s', (engine) => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem(settings({ SILENT_AUTH: engine }));
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test('a SIM that changed lately gives no session, and no message is sent', async () => {
    const { app, answer } = await silently(system, SWAPPED);
    expect([answer.status, answer.body.error]).toEqual([403, 'login_refused']);
    expect(await isLoggedIn(app)).toBe(false);
    await app.post('/login/next').send({ channel: 'sms' }).expect(409);
    expect(await system.messages()).toEqual([]);
    expect(system.world.logged()).toContain('"sim_swap":"swapped"');
  });

  test('no message goes to a number whose SIM changed lately', async () => {
    await set(system, NO_SILENCE, { behaviour: 'unsupported', sim_swap: 71 });
    const { app, next } = await byCode(system, NO_SILENCE);
    expect([next.status, next.body.error]).toEqual([403, 'login_refused']);
    await app.post('/login/next').send({ channel: 'voice' }).expect(409);
    expect(await system.messages()).toEqual([]);
    expect((await system.upstream()).filter(({ body }) => JSON.stringify(body).includes('"sms"'))).toEqual(
      [],
    );
  });

  test('a SIM that changed earlier logs in, silently and by a code, and each login asks once', async () => {
    await set(system, ALICE, { behaviour: 'match', sim_swap: 73 });
    expect((await silently(system, ALICE)).answer.body).toMatchObject({ verified: true });
    const { verified } = await byCode(system, NO_SILENCE);
    expect(verified?.body).toMatchObject({ verified: true, channel: 'sms' });
    expect(await questions(system)).toEqual(
      [ALICE, NO_SILENCE].map((number) =>
        engine === 'camara'
          ? { phoneNumber: number, maxAge: 72 }
          : {
              phone_number: number,
              purpose: 'FraudPreventionAndDetection',
              insights: { sim_swap: { period: 72 } },
            },
      ),
    );
  });

  test('an answer is asked for again once the code of its time has expired, since the SIM may have changed', async () => {
    // The token of the client at a CAMARA operator is one from before the reset until then.
    system.world.turn(600);
    const app = await begin(system, NO_SILENCE);
    await system.next(app, 'sms');
    for (let minutes = 0; minutes < 60; minutes += 20) {
      system.world.turn(1200);
      await app.get('/session').expect(200);
    }
    await set(system, NO_SILENCE, { behaviour: 'unsupported', sim_swap: 0 });
    const next = await app.post('/login/next').send({ channel: 'sms', resend: true });
    expect([next.status, next.body.error]).toEqual([403, 'login_refused']);
    expect(await system.messages()).toHaveLength(1);
  });

  test.each([UNKNOWN, NOT_COVERED])('what is not known of %s counts as a change', async (number) => {
    expect((await silently(system, number)).answer.body.error).toBe('login_refused');
    expect(system.world.logged()).toContain('"sim_swap":"unknown"');
  });
});

describe('an answer of Identity Insights', () => {
  let system: System;
  // Only what is known to have changed is refused here.
  beforeAll(async () => {
    system = await startSystem(settings({ SIM_SWAP_UNKNOWN: 'tell' }));
  });
  beforeEach(async () => {
    await system.reset();
    system.world.turn(3600);
  });
  afterAll(() => system.stop());

  const insight = (simSwap: unknown) => ({
    body: JSON.stringify({ request_id: 'x', insights: { sim_swap: simSwap } }),
  });
  const OK = { code: 'OK', message: 'Success' };

  test.each<[string, object]>([
    ['a text for true', insight({ is_swapped: 'true', status: OK })],
    ['no value', insight({ status: OK })],
    ['no status', insight({ is_swapped: false })],
    [
      'false, under a code that says it is not known',
      insight({ is_swapped: false, status: { code: 'NO_COVERAGE' } }),
    ],
    ['another insight', { body: '{"request_id":"x","insights":{"format":{"status":{"code":"OK"}}}}' }],
    ['a page', { body: '<html>', content_type: 'text/html' }],
    ['an error', { status: 503, body: '{}' }],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['a connection that breaks', { drop: 'after' }],
    ['a minute of silence', { delay_ms: 60_000 }],
  ])('of %s is no answer', async (_what, fault) => {
    await set(system, ALICE, { behaviour: 'match', sim_swap: 1 });
    await system.control('faults', { 'identity-insights': fault });
    expect((await silently(system, ALICE)).answer.body).toMatchObject({ verified: true });
    expect(system.world.logged()).toContain('"sim_swap":"unknown"');
  });

  test.each([
    ...['OK', 'PARTIAL_SUCCESS', 'NO_COVERAGE'].map((code) => ({ code })),
    ...[undefined, null, {}, 'OK', { code: 7 }],
  ])('of true counts as a change under %j', async (status) => {
    await system.control('faults', { 'identity-insights': insight({ is_swapped: true, status }) });
    expect((await silently(system, ALICE)).answer.body.error).toBe('login_refused');
  });

  test('that could not be had before the message is asked for again before the session', async () => {
    await set(system, NO_SILENCE, { behaviour: 'unsupported', sim_swap: 1 });
    await system.control('faults', { 'identity-insights': { status: 500, body: '{}', times: 1 } });
    const { app, verified } = await byCode(system, NO_SILENCE);
    expect(verified?.body.error).toBe('login_refused');
    expect(await isLoggedIn(app)).toBe(false);
  });

  test('of 429 keeps all logins from asking for the time that it names', async () => {
    const limited = { status: 429, headers: { 'retry-after': '30' }, body: '{}', times: 1 };
    await system.control('faults', { 'identity-insights': limited });
    await silently(system, ALICE);
    await silently(system, ALICE);
    expect(await questions(system)).toHaveLength(1);
    system.world.turn(31);
    await silently(system, ALICE);
    expect(await questions(system)).toHaveLength(2);
  });
});

describe('SIM_SWAP_POLICY=step_up', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem(settings({ SIM_SWAP_POLICY: 'step_up' }));
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test('requires a code on top of the SIM, and asks once', async () => {
    const { app, answer } = await silently(system, SWAPPED);
    expect(answer.body).toMatchObject({ error: 'step_up_required', next_channels: ['sms', 'voice'] });
    await system.next(app, 'sms');
    const code = (await system.messages()).at(-1)?.code ?? '';
    expect((await postCode(app, code).expect(200)).body).toMatchObject({ verified: true, channel: 'sms' });
    expect(await questions(system)).toHaveLength(1);
  });

  test('sends no message where the SIM has not proved the number', async () => {
    await set(system, NO_SILENCE, { behaviour: 'unsupported', sim_swap: 1 });
    expect((await byCode(system, NO_SILENCE)).next.body.error).toBe('login_refused');
    expect(await system.messages()).toEqual([]);
  });
});

test('SIM_SWAP_POLICY=tell gives the answer to the hook and the assertion, and the login continues', async () => {
  const seen: (string | undefined)[] = [];
  const hooks: Hooks = { beforeSession: ({ simSwap }: ProvenLogin) => void seen.push(simSwap) };
  const env = { ...settings({ SIM_SWAP_POLICY: 'tell' }).env, ...ASSERTIONS };
  await withSystem({ env, hooks }, async (system) => {
    for (const number of [SWAPPED, ALICE, UNKNOWN]) {
      const { app } = await silently(system, number);
      const { body } = await app.post('/session/assertion').send({}).expect(200);
      seen.push(decodeJwt(body.assertion)['sim_swap'] as string);
    }
  });
  expect(seen).toEqual(['swapped', 'swapped', 'unswapped', 'unswapped', 'unknown', 'unknown']);
});

test('a chain of Verify has no message for a SIM that changed lately', async () => {
  await withSystem({ env: { ...CHAINED, SIM_SWAP_HOURS: '72' } }, async (system) => {
    await begin(system, SWAPPED);
    await begin(system, ALICE);
    const starts = (await system.upstream()).filter(({ path }) => path === '/v2/verify');
    const channels = starts.map(({ body }) =>
      (body as { workflow: { channel: string }[] }).workflow.map(({ channel }) => channel),
    );
    expect(channels).toEqual([['silent_auth'], ['silent_auth', 'sms', 'voice']]);
  });
});

test('a chain of Verify asks once, also where nothing is known, and not where no message is left', async () => {
  const env = { ...CHAINED, SIM_SWAP_HOURS: '72', PAID_SENDS_PER_HOUR: '2' };
  await withSystem({ env }, async (system) => {
    system.world.turn(3600 - ((system.world.now() / 1000) % 3600));
    await begin(system, UNKNOWN);
    expect(await questions(system)).toHaveLength(1);
    await begin(system, ALICE);
    expect(await questions(system)).toHaveLength(2);
    await begin(system, BOB);
    expect(await questions(system)).toHaveLength(2);
  });
});

test('a login asks once, however often it asks for a message that cannot be sent yet', async () => {
  await withSystem(settings({ SILENT_AUTH: 'verify' }), async (system) => {
    const app = await begin(system, ALICE);
    for (let times = 0; times < 3; times += 1) {
      const next = await app.post('/login/next').send({ channel: 'sms' });
      expect([next.status, next.body.error]).toEqual([409, 'login_in_progress']);
    }
    await system.next(app, 'sms');
    const code = (await system.messages()).at(-1)?.code ?? '';
    expect((await postCode(app, code)).body).toMatchObject({ verified: true, channel: 'sms' });
    expect(await questions(system)).toHaveLength(1);
  });
});

test('without SIM_SWAP_HOURS nothing is asked', async () => {
  await withSystem({ env: WITH_CODES }, async (system) => {
    expect((await silently(system, SWAPPED)).answer.body).toMatchObject({ verified: true });
    expect(await questions(system)).toEqual([]);
  });
});

test('a pause that SIM Swap of a CAMARA operator asks for ends questions, and no login', async () => {
  await withSystem(settings({ SILENT_AUTH: 'camara', SIM_SWAP_UNKNOWN: 'tell' }), async (system) => {
    const limited = { status: 429, headers: { 'retry-after': '30' }, body: '{}', times: 1 };
    await system.control('faults', { 'camara-sim-swap': limited });
    for (const number of [ALICE, BOB])
      expect((await silently(system, number)).answer.body).toMatchObject({ verified: true });
    expect(await questions(system)).toHaveLength(1);
    system.world.turn(31);
    await silently(system, ALICE);
    expect(await questions(system)).toHaveLength(2);
  });
});

describe('the token of the client at a CAMARA operator', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem(settings({ SILENT_AUTH: 'camara' }));
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());
  const tokens = async () =>
    (await system.upstream()).filter(
      ({ body }) => (body as { grant_type?: string } | null)?.grant_type === 'client_credentials',
    ).length;

  test('serves several logins, and is replaced before its end', async () => {
    system.world.turn(600);
    for (let logins = 0; logins < 2; logins += 1)
      expect((await silently(system, ALICE)).answer.status).toBe(200);
    expect(await tokens()).toBe(1);
    system.world.turn(271);
    expect((await silently(system, ALICE)).answer.status).toBe(200);
    expect(await tokens()).toBe(2);
  });

  test('that the operator refuses is replaced for the next login', async () => {
    system.world.turn(600);
    await system.control('faults', { 'camara-sim-swap': { status: 401, body: '{}', times: 1 } });
    expect((await silently(system, ALICE)).answer.body.error).toBe('login_refused');
    expect((await silently(system, ALICE)).answer.body).toMatchObject({ verified: true });
    expect(await tokens()).toBe(2);
  });
});
