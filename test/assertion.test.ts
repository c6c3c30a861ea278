import { createHmac, createPublicKey, randomBytes, verify, type JsonWebKey } from 'node:crypto';
import type { Hooks } from '../src/login/hooks.js';
import { API, ASSERTIONS, check, newSigningKey, OTHER_API } from './support/assertions.js';
import { ALICE, BOB, startSystem, postCode, withSystem, WITH_CODES, type System } from './support/system.js';

const ROUTE = '/session/assertion';

const loggedIn = async (system: System, number = ALICE) => {
  const { app, code } = await system.walkedLogin(number);
  await postCode(app, code).expect(200);
  return app;
};
const assertionOf = async (app: ReturnType<System['app']>, body: object = {}): Promise<string> =>
  String((await app.post(ROUTE).send(body).expect(200)).body.assertion);
const keysOf = async ({ base }: System) =>
  ((await (await fetch(`${base}/.well-known/jwks.json`)).json()) as { keys: Record<string, string>[] }).keys;

describe('an assertion', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: ASSERTIONS })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test('names the user, the time and method of login, one audience, and expires after a minute', async () => {
    const since = Math.floor(system.world.now() / 1000);
    const app = await loggedIn(system);
    system.world.turn(90);
    const now = Math.floor(system.world.now() / 1000);
    const answer = await app.post(ROUTE).send({}).expect(200);
    expect(answer.body).toEqual({
      assertion: expect.any(String),
      expires_at: new Date((now + 60) * 1000).toISOString(),
    });
    const { payload, protectedHeader } = await check(system, answer.body.assertion);
    expect(payload).toEqual({
      iss: system.base,
      aud: API,
      sub: expect.stringMatching(/^[\w-]{43}$/),
      iat: now,
      exp: now + 60,
      jti: expect.stringMatching(/^[0-9a-f]{32}$/),
      auth_time: since,
      amr: ['sim'],
    });
    const [key] = await keysOf(system);
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: key?.['kid'] });
  });

  test('must not be cached, and has a new id each time', async () => {
    const app = await loggedIn(system);
    const answer = await app.post(ROUTE).send({});
    expect(answer.headers['cache-control']).toBe('no-store');
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => (await check(system, await assertionOf(app))).payload.jti),
    );
    expect(new Set(ids).size).toBe(5);
  });

  test('can be verified without a JWT library: ECDSA P-256 with SHA-256 over header and payload', async () => {
    const [head = '', claims = '', signature = ''] = (await assertionOf(await loggedIn(system))).split('.');
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
    const jwk = (await keysOf(system)).find((each) => each['kid'] === kid) as JsonWebKey;
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    const holds = (text: string) =>
      verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64url'));
    expect(holds(`${head}.${claims}`)).toBe(true);
    const other = Buffer.from(claims, 'base64url').toString().replace('"sim"', '"sms"');
    expect(holds(`${head}.${Buffer.from(other).toString('base64url')}`)).toBe(false);
  });

  test('expires after a minute', async () => {
    const assertion = await assertionOf(await loggedIn(system));
    const at = system.world.now();
    await expect(check(system, assertion, { at: at + 59_000 })).resolves.toBeDefined();
    await expect(check(system, assertion, { at: at + 61_000 })).rejects.toThrow('"exp"');
  });

  test('is for the first audience of the list or for the requested one, never for both', async () => {
    const app = await loggedIn(system);
    const [first, second] = [await assertionOf(app), await assertionOf(app, { audience: OTHER_API })];
    expect((await check(system, first)).payload.aud).toBe(API);
    expect((await check(system, second, { audience: OTHER_API })).payload.aud).toBe(OTHER_API);
    await expect(check(system, second)).rejects.toThrow('"aud"');
    await expect(check(system, first, { audience: OTHER_API })).rejects.toThrow('"aud"');
  });

  test.each([
    ['a service that is not listed', { audience: 'https://evil.example' }, 'audience'],
    ['a service that begins like one', { audience: `${API}.evil.example` }, 'audience'],
    ['two services', { audience: [API, OTHER_API] }, 'audience'],
    ['no service', { audience: null }, 'audience'],
    ['another user', { sub: 'x' }, 'sub'],
    ['another number', { phone_number: BOB }, 'phone_number'],
  ])('is refused for %s', async (_what, body, field) => {
    const app = await loggedIn(system);
    const answer = await app.post(ROUTE).send(body).expect(400);
    expect(answer.body).toMatchObject({ error: 'invalid_request', errors: [{ field }] });
    expect(JSON.stringify(answer.body)).not.toContain('billing');
  });

  test('has the same sub for a number at each login, and another sub for each service', async () => {
    const sub = async (app: ReturnType<System['app']>, audience = API) =>
      (await check(system, await assertionOf(app, { audience }), { audience })).payload.sub;
    const [one, again, bob] = [await loggedIn(system), await loggedIn(system), await loggedIn(system, BOB)];
    const all = [await sub(one), await sub(bob), await sub(one, OTHER_API), await sub(bob, OTHER_API)];
    expect(await sub(again)).toBe(all[0]);
    expect(new Set(all).size).toBe(4);
    const secret = ASSERTIONS.ASSERTION_SUBJECT_SECRET;
    expect(all[0]).toBe(createHmac('sha256', secret).update(`${API}\n${ALICE}`).digest('base64url'));
  });

  test('does not contain the phone number', async () => {
    const { payload } = await check(system, await assertionOf(await loggedIn(system)));
    expect(JSON.stringify(payload)).not.toContain(ALICE.slice(-9));
  });

  test('is about the logged-in user, not about the number of a pending login', async () => {
    const app = await loggedIn(system);
    const before = (await check(system, await assertionOf(app))).payload.sub;
    await app.post('/login').send({ phone_number: BOB }).expect(201);
    expect((await check(system, await assertionOf(app))).payload.sub).toBe(before);
  });

  test('is refused to a session that is not logged in', async () => {
    const pending = await system.walkedLogin();
    const gone = await loggedIn(system);
    await gone.post('/logout').expect(204);
    for (const app of [system.app(), pending.app, gone]) {
      const answer = await app.post(ROUTE).send({}).expect(401);
      expect(answer.body).toMatchObject({ error: 'not_authenticated', status: 401 });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('is refused twelve hours after the login', async () => {
    const app = await loggedIn(system);
    for (let hour = 0; hour < 12; hour += 0.25) {
      await assertionOf(app);
      system.world.turn(15 * 60);
    }
    await app.post(ROUTE).send({}).expect(401);
  });

  test('is refused to other origins and to forms', async () => {
    const app = await loggedIn(system);
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
      expect((await app.post(ROUTE).set(headers).send({}).expect(403)).body.error).toBe('forbidden_origin');
    }
    await app.post(ROUTE).type('form').send({ audience: API }).expect(415);
    expect((await app.get(ROUTE).expect(405)).headers['allow']).toBe('POST');
  });

  test('is verified with the published keys, which may be cached for five minutes and contain no private part', async () => {
    const answer = await fetch(`${system.base}/.well-known/jwks.json`, {
      headers: { origin: 'https://x.example' },
    });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    expect(await answer.json()).toEqual({
      keys: [
        {
          ...{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' },
          ...{ x: expect.any(String), y: expect.any(String), kid: expect.stringMatching(/^[\w-]{43}$/) },
        },
      ],
    });
    await system.app().post('/.well-known/jwks.json').send({}).expect(405);
  });
});

test.each([
  ['sms', ['sms']],
  ['voice', ['tel']],
] as const)('an assertion after a code by %s names that method', (channel, amr) =>
  withSystem({ env: { ...ASSERTIONS, ...WITH_CODES } }, async (system) => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await system.next(app, channel);
    await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    expect((await check(system, await assertionOf(app))).payload['amr']).toEqual(amr);
  }),
);

test.each([
  ['sms', ['sim', 'sms']],
  ['voice', ['sim', 'tel']],
] as const)('an assertion after a step-up names both methods: the SIM and %s', (channel, amr) => {
  const beforeSession: Hooks['beforeSession'] = ({ channels }) =>
    channels.length > 1 ? undefined : { stepUp: true };
  return withSystem({ env: { ...ASSERTIONS, ...WITH_CODES }, hooks: { beforeSession } }, async (system) => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(403);
    await system.next(app, channel);
    await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    expect((await check(system, await assertionOf(app))).payload['amr']).toEqual(amr);
  });
});

test('a login that waits for its step-up gets no assertion', () =>
  withSystem(
    { env: { ...ASSERTIONS, ...WITH_CODES }, hooks: { beforeSession: () => ({ stepUp: true }) } },
    async (system) => {
      const { app, code } = await system.walkedLogin();
      expect((await postCode(app, code)).body.error).toBe('step_up_required');
      await app.post(ROUTE).send({}).expect(401);
    },
  ));

test('the assertion contains the phone number if ASSERTION_PHONE_NUMBER is set', () =>
  withSystem({ env: { ...ASSERTIONS, ASSERTION_PHONE_NUMBER: 'true' } }, async (system) => {
    const { payload } = await check(system, await assertionOf(await loggedIn(system)));
    expect(payload['phone_number']).toBe(ALICE);
  }));

test('during a key rotation every assertion can be verified, and sub stays the same', async () => {
  const [old, fresh] = [ASSERTIONS.ASSERTION_KEYS, newSigningKey()];
  const seen: { sub: unknown; kid: unknown; published: unknown[] }[] = [];
  for (const keys of [old, `${old},${fresh}`, `${fresh},${old}`, fresh]) {
    const env = { ...ASSERTIONS, ASSERTION_KEYS: keys, SESSION_SECRET: randomBytes(32).toString('hex') };
    await withSystem({ env }, async (system) => {
      const { payload, protectedHeader } = await check(system, await assertionOf(await loggedIn(system)));
      const published = (await keysOf(system)).map(({ kid }) => kid);
      seen.push({ sub: payload.sub, kid: protectedHeader.kid, published });
    });
  }
  expect(new Set(seen.map(({ sub }) => sub)).size).toBe(1);
  const [first, both, turned, done] = seen;
  expect(both).toMatchObject({ kid: first?.kid, published: [first?.kid, done?.kid] });
  expect(turned).toMatchObject({ kid: done?.kid, published: [done?.kid, first?.kid] });
  expect(done?.published).toEqual([done?.kid]);
  expect(done?.kid).not.toBe(first?.kid);
});

test('without ASSERTION_KEYS the routes do not exist', () =>
  withSystem({}, async (system) => {
    const app = await loggedIn(system);
    expect((await app.post(ROUTE).send({}).expect(404)).body.error).toBe('not_found');
    expect((await app.get('/.well-known/jwks.json').expect(404)).body.error).toBe('not_found');
  }));
