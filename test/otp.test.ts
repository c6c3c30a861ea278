import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  startSystem,
  CHALLENGE,
  postCode,
  withSystem,
  type System,
  CHAINED,
  WITH_CODES,
} from './support/system.js';
import { recordsOf } from './support/records.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;

const begin = (app: App, phoneNumber: string) =>
  app.post('/login').send({ phone_number: phoneNumber }).expect(201);
const next = (app: App, channel?: string) =>
  app.post('/login/next').send(channel === undefined ? {} : { channel });

/** The code of the last message to that phone. */
const codeOf = async (system: System, phoneNumber: string, channel: string) => {
  const message = (await system.messages())
    .filter((each) => each.to === phoneNumber && each.channel === channel)
    .at(-1);
  if (message === undefined) throw new Error(`no ${channel} came`);
  return message.code;
};

describe.each(['network-enablement', 'oidc', 'camara', 'verify', 'off'])(
  'with SILENT_AUTH=%s, a login that cannot be silent',
  (engine) => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine } })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    /** The silent attempt of an app, which is the same for every engine. */
    const trySilently = async (app: App, phoneNumber: string) => {
      const begun = await begin(app, phoneNumber);
      if (begun.body.auth_url !== null) {
        const home = await walk(begun.body.auth_url);
        const code = home.json?.['code'];
        if (typeof code === 'string') await postCode(app, code);
      }
      expect((await app.get('/session')).body.authenticated).toBe(false);
      // Vonage reports by webhook that the silent step failed.
      const failedAtVonage = engine === 'verify' && begun.body.auth_url !== null;
      if (failedAtVonage) await until(async () => (await app.get('/login')).body.status === 'failed');
    };

    test.each([
      ['a number that is not supported', '+447700900102', 'sms'],
      ['a device on Wi-Fi', '+447700900103', 'voice'],
      ['another SIM', '+447700900101', 'sms'],
    ])('continues by SMS and then by voice, with %s', async (_what, phoneNumber, channel) => {
      const app = system.app();
      await trySilently(app, phoneNumber);
      await system.next(app, 'sms');
      if (channel === 'voice') {
        const moved = await system.next(app, 'voice');
        expect(moved.body).toMatchObject({
          channel: 'voice',
          auth_url: null,
          code_length: 6,
          next_channels: [],
        });
      }
      const verified = await postCode(app, await codeOf(system, phoneNumber, channel)).expect(200);
      expect(verified.body).toEqual({ verified: true, phone_number: phoneNumber, channel });
      expect((await app.get('/session')).body).toMatchObject({
        authenticated: true,
        phone_number: phoneNumber,
        channel,
      });
    });

    test('continues after the link has expired', async () => {
      const app = system.app();
      await begin(app, ALICE);
      system.world.turn(301);
      const moved = await system.next(app, 'sms');
      expect(moved.body).toMatchObject({ channel: 'sms', code_length: 6, next_channels: ['voice'] });
      await postCode(app, await codeOf(system, ALICE, 'sms')).expect(200);
      expect((await app.get('/login')).body).toMatchObject({
        status: 'completed',
        channel: 'sms',
        next_channels: [],
      });
    });

    test('sends nothing paid before the app asks', async () => {
      const app = system.app();
      const begun = await begin(app, ALICE);
      expect(begun.body.next_channels).toEqual(['sms', 'voice']);
      expect(await system.messages()).toEqual([]);
      await system.next(app);
      expect((await system.messages()).map(({ to, channel }) => [to, channel])).toEqual([[ALICE, 'sms']]);
    });

    test('reuses the pending verification of its own session, and lets another session wait', async () => {
      const app = system.app();
      await begin(app, ALICE);
      await system.next(app, 'sms');
      system.world.turn(10);
      const other = system.app();
      if (engine === 'verify') {
        const refused = await other.post('/login').send({ phone_number: ALICE }).expect(409);
        expect(refused.body).toMatchObject({ error: 'login_in_progress', retry_after: 20 });
      } else {
        await begin(other, ALICE);
        const refused = await next(other, 'sms').expect(409);
        expect(refused.body).toMatchObject({ error: 'login_in_progress', retry_after: 20 });
        expect(refused.headers['retry-after']).toBe('20');
      }
      await begin(app, ALICE);
      await system.next(app, 'sms');
      expect(await system.messages()).toHaveLength(1);
      await postCode(app, await codeOf(system, ALICE, 'sms')).expect(200);
    });

    test('can be cancelled, and is cancelled at Vonage as soon as Vonage allows it', async () => {
      const app = system.app();
      await begin(app, ALICE);
      const moved = engine === 'verify' ? await app.get('/login') : await system.next(app, 'sms');
      expect(moved.body.cancellable_at).toBe(new Date(system.world.now() + 30_000).toISOString());
      await app.delete('/login').expect(204);
      await app.get('/login').expect(404);
      const deleted = async () => (await system.upstream()).filter(({ method }) => method === 'DELETE');
      expect(await deleted()).toEqual([]);
      await begin(app, ALICE).then(
        () => undefined,
        () => undefined,
      );
      system.world.turn(30);
      await until(async () => (await deleted()).some(({ status }) => status === 204));
      await begin(app, ALICE);
      await system.next(app, 'sms');
    });
  },
);

// oidc and camara begin with a redirect, as network-enablement does.
describe.each(['network-enablement', 'verify', 'off'])(
  'with SILENT_AUTH=%s, a login with a typed code',
  (engine) => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine } })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    test('can continue with voice directly', async () => {
      const app = system.app();
      await begin(app, ALICE);
      const moved = await system.next(app, 'voice');
      expect(moved.body).toMatchObject({ channel: 'voice', next_channels: [] });
      expect((await system.messages()).map(({ channel }) => channel)).toEqual(['voice']);
      await postCode(app, await codeOf(system, ALICE, 'voice')).expect(200);
    });

    test('stops after the last channel', async () => {
      const app = system.app();
      await begin(app, ALICE);
      await system.next(app);
      await system.next(app);
      const end = await next(app).expect(409);
      expect(end.body.error).toBe('no_more_channels');
      expect(await system.messages()).toHaveLength(2);
    });

    test('sends one message, however many requests arrive at once', async () => {
      const app = system.app();
      await begin(app, ALICE);
      system.world.turn(30);
      const answers = await Promise.all(Array.from({ length: 10 }, () => next(app, 'sms')));
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
      expect(answers.every(({ status, body }) => status === 200 || body.error === 'login_in_progress')).toBe(
        true,
      );
      expect(await system.messages()).toHaveLength(1);
    });

    test('allows three tries', async () => {
      const app = system.app();
      await begin(app, ALICE);
      await system.next(app);
      const right = await codeOf(system, ALICE, 'sms');
      const wrong = right === '000000' ? '111111' : '000000';
      expect((await postCode(app, wrong).expect(400)).body.error).toBe('invalid_code');
      expect((await postCode(app, wrong).expect(400)).body.error).toBe('invalid_code');
      expect((await postCode(app, wrong).expect(429)).body.error).toBe('too_many_attempts');
      const checks = (await system.upstream()).length;
      await postCode(app, right).expect(400);
      expect((await system.upstream()).length).toBe(checks);
      expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
      expect((await next(app).expect(409)).body.error).toBe('no_more_channels');
      expect((await app.get('/session')).body.authenticated).toBe(false);
    });

    test('allows no more than three tries when they arrive at once', async () => {
      const app = system.app();
      await begin(app, ALICE);
      await system.next(app);
      const before = (await system.upstream()).length;
      const guesses = Array.from({ length: 30 }, (_, each) => postCode(app, String(100_000 + each)));
      await Promise.all(guesses);
      expect((await system.upstream()).length - before).toBeLessThanOrEqual(3);
    });

    test('refuses the right code after it expired', async () => {
      const app = system.app();
      await begin(app, ALICE);
      await system.next(app, 'voice');
      const code = await codeOf(system, ALICE, 'voice');
      system.world.turn(301);
      expect((await app.get('/login')).body.status).toBe('expired');
      expect((await postCode(app, code).expect(410)).body.error).toBe('login_expired');
    });

    test('works for ten users at once, each with its own number', async () => {
      const numbers = Array.from({ length: 10 }, (_, each) => `+4477009000${String(each).padStart(2, '0')}`);
      const apps = await Promise.all(
        numbers.map(async (number) => {
          const app = system.app();
          await begin(app, number);
          return app;
        }),
      );
      system.world.turn(30);
      await Promise.all(apps.map((app) => next(app, 'sms').expect(200)));
      const codes = await Promise.all(numbers.map((number) => codeOf(system, number, 'sms')));
      // The code of another user is refused.
      const foreign = await postCode(apps[0] as App, codes[1] === codes[0] ? '' : (codes[1] ?? ''));
      expect(foreign.status).toBe(400);
      await Promise.all(apps.map((app, each) => postCode(app, codes[each] ?? '').expect(200)));
      const sessions = await Promise.all(apps.map((app) => app.get('/session')));
      expect(sessions.map(({ body }) => String(body.phone_number))).toEqual(numbers);
    });

    test('requires the code_verifier of its code_challenge', async () => {
      const app = system.app();
      await app.post('/login').send({ phone_number: ALICE, code_challenge: CHALLENGE.challenge }).expect(201);
      await system.next(app, 'sms');
      const code = await codeOf(system, ALICE, 'sms');
      await postCode(app, code).expect(400);
      await app.post('/verify').send({ code, code_verifier: CHALLENGE.verifier }).expect(200);
    });

    test.each([
      ['no session', (app: App) => next(app), 404, 'no_login'],
      [
        'an unknown channel',
        (app: App) => begin(app, ALICE).then(() => next(app, 'pigeon')),
        400,
        'invalid_request',
      ],
      [
        'silent_auth, which cannot be requested',
        (app: App) => begin(app, ALICE).then(() => next(app, 'silent_auth')),
        400,
        'invalid_request',
      ],
    ])('is refused for %s', async (_what, ask, status, error) => {
      const answer = await ask(system.app());
      expect([answer.status, answer.body.error]).toEqual([status, error]);
      expect(await system.messages()).toEqual([]);
    });
  },
);

describe('a call that may have sent a message', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, VERIFY_CHAIN: 'true' } })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const broken = { drop: 'after' };
  const busy = { status: 503, body: '{}', content_type: 'application/json' };
  test.each<[string, object]>([
    ['verify-start', broken],
    ['verify-start', busy],
    ['verify-next', broken],
    ['verify-next', busy],
    ['verify-check', broken],
    ['verify-check', busy],
  ])('is not retried: %s, after %j', async (endpoint, fault) => {
    const app = system.app();
    await begin(app, ALICE);
    if (endpoint !== 'verify-start') await system.next(app, 'sms');
    await system.control('faults', { [endpoint]: fault });
    const before = (await system.upstream()).length;
    const answer = endpoint === 'verify-check' ? await postCode(app, '123456') : await next(app);
    expect(answer.status).toBe(502);
    expect(await system.upstream()).toHaveLength(before + 1);
    expect((await app.get('/session')).body.authenticated).toBe(false);
  });

  const problem = (status: number, detail: string, more: object = {}) => ({
    status,
    content_type: 'application/problem+json',
    body: JSON.stringify({ type: 'https://x/api-errors#conflict', title: 'Conflict', detail, ...more }),
  });
  const LATER = 'The operation cannot be performed at this time. Please try again later.';

  test.each([409, 422])(
    'is not repeated for a conflict (%i) with a verification of this session, which is reused',
    async (status) => {
      const app = system.app();
      await begin(app, ALICE);
      const started = { status: 202, body: '{"request_id":"a-request"}', times: 1 };
      await system.control('faults', { 'verify-start': started });
      await system.next(app, 'sms');
      await begin(app, ALICE);
      await system.control('faults', { 'verify-start': problem(status, '', { request_id: 'a-request' }) });
      expect((await next(app, 'sms').expect(200)).body).toMatchObject({ channel: 'sms', sent: false });
      const other = system.app();
      await begin(other, ALICE);
      const refused = await next(other, 'sms').expect(409);
      expect(refused.body).toMatchObject({ error: 'login_in_progress', retry_after: 30 });
    },
  );

  test('can be repeated by the app after "cannot be performed at this time": a start, a step, a code', async () => {
    const app = system.app();
    const busy = { ...problem(409, LATER), times: 1 };
    await begin(app, ALICE);
    await system.control('faults', { 'verify-start': busy, 'verify-next': busy, 'verify-check': busy });
    const expectPatience = (answer: { status: number; body: object; headers: Record<string, unknown> }) => {
      expect(answer).toMatchObject({
        status: 409,
        body: { error: 'login_in_progress', retry_after: 5 },
        headers: { 'retry-after': '5' },
      });
    };
    expectPatience(await next(app, 'sms'));
    expect((await app.get('/login')).body).toMatchObject({ channel: 'silent_auth', status: 'pending' });
    await system.next(app, 'sms');
    expectPatience(await next(app, 'voice'));
    expect((await app.get('/login')).body).toMatchObject({ channel: 'sms', next_channels: ['voice'] });
    await system.next(app, 'voice');
    const code = (await system.messages()).at(-1)?.code ?? '';
    expectPatience(await postCode(app, code));
    await postCode(app, code).expect(200);
    expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms', 'voice']);
  });

  test('is not offered to a number of the Virtual Operator', async () => {
    const app = system.app();
    expect((await begin(app, '+99012345678')).body.next_channels).toEqual([]);
    await next(app, 'sms').expect(409);
  });
});

describe('silent authentication with SILENT_AUTH=verify and VERIFY_CHAIN=true', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: CHAINED })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each(['ios', 'android'] as const)('an app for %s logs in with the code of its device', async (sdk) => {
    const app = system.app();
    const begun = await begin(app, ALICE);
    expect(begun.body).toMatchObject({
      channel: 'silent_auth',
      auth_url: expect.stringContaining('/silent-auth/redirect'),
    });
    const home = await walk(begun.body.auth_url, { sdk });
    expect(home.json).toEqual({ request_id: expect.any(String), code: expect.any(String) });
    const verified = await postCode(app, String(home.json?.['code'])).expect(200);
    expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel: 'silent_auth' });
    expect((await system.upstream()).map(({ method, status }) => [method, status])).toEqual([
      ['POST', 202],
      ['POST', 200],
    ]);
  });

  test('a browser is redirected to our page, with the code in the fragment', async () => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE, client: 'browser' }).expect(201);
    const { hops } = await walk(begun.body.auth_url, { stopBefore: system.base });
    const home = new URL(hops.at(-1) ?? '');
    expect(home.origin + home.pathname).toBe(`${system.base}/`);
    const code = new URLSearchParams(home.hash.slice(1)).get('code') ?? '';
    await postCode(app, code).expect(200);
  });

  test('a code is refused in any other session, and a request_id from the client is ignored', async () => {
    const alice = system.app();
    const begun = await begin(alice, ALICE);
    const home = await walk(begun.body.auth_url);
    const { code, request_id } = home.json as { code: string; request_id: string };
    const bob = system.app();
    await begin(bob, BOB);
    await bob.post('/verify').send({ code, request_id }).expect(400);
    await postCode(bob, code).expect(400);
    expect((await bob.get('/session')).body.authenticated).toBe(false);
    await postCode(alice, code).expect(200);
  });

  test('a wrong code ends the silent step, which has one try', async () => {
    const app = system.app();
    const begun = await begin(app, ALICE);
    const home = await walk(begun.body.auth_url);
    await postCode(app, 'aaaaaaaa').expect(400);
    const checks = (await system.upstream()).length;
    expect((await app.get('/login')).body).toMatchObject({
      status: 'pending',
      channel: 'sms',
      next_channels: ['voice'],
    });
    await postCode(app, String(home.json?.['code'])).expect(400);
    expect((await system.upstream()).length).toBeLessThanOrEqual(checks + 1);
    expect((await app.get('/session')).body.authenticated).toBe(false);
  });

  test('the silent step of an app is not reused for a browser, which has another redirect URL', async () => {
    const app = system.app();
    await begin(app, ALICE);
    const again = await app.post('/login').send({ phone_number: ALICE, client: 'browser' }).expect(409);
    expect(again.body.error).toBe('login_in_progress');
    // It is cancelled once Vonage allows it.
    system.world.turn(30);
    await app.post('/login').send({ phone_number: ALICE, client: 'browser' }).expect(201);
  });

  test('a link to a foreign host is not returned', async () => {
    const check_url = 'https://evil.example/x';
    const body = JSON.stringify({ request_id: 'a-request', check_url });
    await system.control('faults', { 'verify-start': { status: 202, body } });
    const begun = await begin(system.app(), ALICE);
    expect(begun.body).toMatchObject({ channel: null, auth_url: null, next_channels: ['sms', 'voice'] });
  });

  test('a number of the Virtual Operator gets the silent step only', async () => {
    const app = system.app();
    const begun = await begin(app, '+99012345678');
    const [start] = await system.upstream();
    expect((start?.body as { workflow: unknown[] } | undefined)?.workflow).toHaveLength(1);
    const home = await walk(begun.body.auth_url);
    await postCode(app, String(home.json?.['code'])).expect(200);
  });

  test('after a minute without an answer the workflow continues by SMS', async () => {
    const app = system.app();
    await begin(app, ALICE);
    system.world.turn(61);
    expect((await app.get('/login')).body).toMatchObject({
      status: 'pending',
      channel: 'sms',
      code_length: 6,
    });
    await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
    const [message] = await system.messages();
    const verified = await postCode(app, message?.code ?? '').expect(200);
    expect(verified.body.channel).toBe('sms');
  });

  test('a typed code never counts as silent, even before the webhook of the SMS arrives', async () => {
    await system.control('webhooks', { paused: true });
    const app = system.app();
    const begun = await begin(app, '+447700900103');
    await walk(begun.body.auth_url);
    expect((await app.get('/login')).body.channel).toBe('silent_auth');
    const [message] = await system.messages();
    const verified = await postCode(app, message?.code ?? '').expect(200);
    expect(verified.body.channel).toBe('sms');
  });
});

test('if the silent step is the only one, six digits are treated as a device code', () =>
  withSystem({ env: { SILENT_AUTH: 'verify' } }, async (system) => {
    const app = system.app();
    const begun = await begin(app, ALICE);
    const home = await walk(begun.body.auth_url);
    expect((await postCode(app, '123456').expect(400)).body.error).toBe('invalid_code');
    // That was the only try.
    const late = await postCode(app, String(home.json?.['code'])).expect(410);
    expect(late.body).toMatchObject({ error: 'login_expired' });
    expect((await app.get('/session')).body.authenticated).toBe(false);
  }));

test('with COVERAGE_CHECK=false the link arrives by webhook, and GET /login returns it', () =>
  withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify', COVERAGE_CHECK: 'false' } }, async (system) => {
    const app = system.app();
    const begun = await begin(app, ALICE);
    expect(begun.body).toMatchObject({ channel: 'silent_auth' });
    let link: string | undefined;
    while (link === undefined) link = (await app.get('/login')).body.auth_url;
    const home = await walk(link);
    await postCode(app, String(home.json?.['code'])).expect(200);
  }));

test.each(['+447700900107', '+447700900109'])(
  'an outage of the silent channel (%s) leaves the other channels open',
  (phoneNumber) =>
    withSystem({ env: WITH_CODES }, async (system) => {
      await system.control('faults', {
        'network-enablement': { status: 500, body: '{}', content_type: 'application/json' },
      });
      const app = system.app();
      const begun = await begin(app, phoneNumber);
      expect(begun.body).toMatchObject({
        channel: null,
        auth_url: null,
        reason: 'silent_auth_unavailable',
        next_channels: ['sms', 'voice'],
      });
    }),
);

test('wrong codes of a verification are counted together until it expires', () =>
  withSystem({ env: CHAINED, store: 'memory' }, async (system) => {
    const app = system.app();
    await begin(app, ALICE);
    // Here Vonage itself reports a wrong code without end.
    const type = 'https://www.developer.vonage.com/api-errors/verify#invalid-code';
    await system.control('faults', {
      'verify-check': { status: 400, body: JSON.stringify({ type, title: 'Invalid Code' }) },
    });
    const answers: string[] = [];
    // The silent step lasts one minute, and the message and the call five minutes each.
    for (const seconds of [1, 1, 657]) {
      system.world.turn(seconds);
      answers.push(String((await postCode(app, '000000')).body.error));
    }
    expect(answers).toEqual(['invalid_code', 'invalid_code', 'too_many_attempts']);
  }));

test('a code that nobody typed in time has expired, also once its webhook came', () =>
  withSystem({ env: WITH_CODES }, async (system) => {
    const app = system.app();
    await begin(app, ALICE);
    await system.next(app, 'sms');
    system.world.turn(301);
    await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
    const sent = async () => (await fetch(`${system.sandbox}/__sandbox/webhooks`)).json();
    await until(async () => JSON.stringify(await sent()).includes('"status":204'));
    expect((await app.get('/login')).body).toMatchObject({ status: 'expired', next_channels: ['voice'] });
  }));

test('an abandoned verification sends no other message', () =>
  withSystem({ env: WITH_CODES }, async (system) => {
    const app = system.app();
    await begin(app, ALICE);
    await system.next(app, 'sms');
    system.world.turn(900);
    await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
    expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms']);
  }));

test('TEMPLATE_ID is sent to Vonage, and an unknown template is an upstream error that is logged', () =>
  withSystem(
    { env: { ...WITH_CODES, TEMPLATE_ID: '8f35a1a7-eb2f-4552-8fdf-fffdaee41bc9' } },
    async (system) => {
      const app = system.app();
      await begin(app, ALICE);
      expect((await next(app, 'sms').expect(502)).body.error).toBe('upstream_error');
      const start = (await system.upstream()).find(({ path }) => path === '/v2/verify');
      expect(start?.body).toMatchObject({
        template_id: '8f35a1a7-eb2f-4552-8fdf-fffdaee41bc9',
        code_length: 6,
      });
      expect(system.world.logged()).toContain('template-not-found');
      // Templates are for SMS; a call has none.
      await system.next(app, 'voice');
      expect((await system.upstream()).at(-1)?.body).not.toHaveProperty('template_id');
    },
  ));

test('Redis and the log hold no code, number or link in plain text', () =>
  withSystem({ env: CHAINED }, async (system) => {
    const app = system.app();
    const begun = await begin(app, '+447700900103');
    await walk(begun.body.auth_url);
    await until(async () => (await app.get('/login')).body.channel === 'sms');
    const [message] = await system.messages();
    await postCode(app, '999999').expect(400);
    const records = await recordsOf(system.redis);
    for (const { key } of records) expect(await system.redis.ttl(key)).toBeGreaterThan(0);
    const text = JSON.stringify(records) + system.world.logged();
    for (const secret of ['7700900103', message?.code ?? 'none', 'silent-auth/redirect'])
      expect(text).not.toContain(secret);
  }));
