import { createHmac, createPublicKey, randomBytes, verify, type JsonWebKey } from 'node:crypto';
import type { Hooks } from '../src/login/hooks.js';
import { API, ASSERTIONS, check, newSigningKey, OTHER_API } from './support/assertions.js';
import { ALICE, BOB, buildHouse, postCode, withHouse, WITH_CODES, type House } from './support/house.js';

const ROUTE = '/session/assertion';

const loggedIn = async (house: House, number = ALICE) => {
  const { app, code } = await house.walkedLogin(number);
  await postCode(app, code).expect(200);
  return app;
};
const assertionOf = async (app: ReturnType<House['app']>, body: object = {}): Promise<string> =>
  String((await app.post(ROUTE).send(body).expect(200)).body.assertion);
const keysOf = async ({ base }: House) =>
  ((await (await fetch(`${base}/.well-known/jwks.json`)).json()) as { keys: Record<string, string>[] }).keys;

describe('an assertion', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse({ env: ASSERTIONS })));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  test('names the user, the time and method of login, one audience, and expires after a minute', async () => {
    const since = Math.floor(house.world.now() / 1000);
    const app = await loggedIn(house);
    house.world.turn(90);
    const now = Math.floor(house.world.now() / 1000);
    const answer = await app.post(ROUTE).send({}).expect(200);
    expect(answer.body).toEqual({
      assertion: expect.any(String),
      expires_at: new Date((now + 60) * 1000).toISOString(),
    });
    const { payload, protectedHeader } = await check(house, answer.body.assertion);
    expect(payload).toEqual({
      iss: house.base,
      aud: API,
      sub: expect.stringMatching(/^[\w-]{43}$/),
      iat: now,
      exp: now + 60,
      jti: expect.stringMatching(/^[0-9a-f]{32}$/),
      auth_time: since,
      amr: ['sim'],
    });
    const [key] = await keysOf(house);
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: key?.['kid'] });
  });

  test('must not be cached, and has a new id each time', async () => {
    const app = await loggedIn(house);
    const answer = await app.post(ROUTE).send({});
    expect(answer.headers['cache-control']).toBe('no-store');
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => (await check(house, await assertionOf(app))).payload.jti),
    );
    expect(new Set(ids).size).toBe(5);
  });

  test('can be verified without a JWT library: ECDSA P-256 with SHA-256 over header and payload', async () => {
    const [head = '', claims = '', signature = ''] = (await assertionOf(await loggedIn(house))).split('.');
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
    const jwk = (await keysOf(house)).find((each) => each['kid'] === kid) as JsonWebKey;
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    const holds = (text: string) =>
      verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64url'));
    expect(holds(`${head}.${claims}`)).toBe(true);
    const other = Buffer.from(claims, 'base64url').toString().replace('"sim"', '"sms"');
    expect(holds(`${head}.${Buffer.from(other).toString('base64url')}`)).toBe(false);
  });

  test('expires after a minute', async () => {
    const assertion = await assertionOf(await loggedIn(house));
    const at = house.world.now();
    await expect(check(house, assertion, { at: at + 59_000 })).resolves.toBeDefined();
    await expect(check(house, assertion, { at: at + 61_000 })).rejects.toThrow('"exp"');
  });

  test('is for the first audience of the list or for the requested one, never for both', async () => {
    const app = await loggedIn(house);
    const [first, second] = [await assertionOf(app), await assertionOf(app, { audience: OTHER_API })];
    expect((await check(house, first)).payload.aud).toBe(API);
    expect((await check(house, second, { audience: OTHER_API })).payload.aud).toBe(OTHER_API);
    await expect(check(house, second)).rejects.toThrow('"aud"');
    await expect(check(house, first, { audience: OTHER_API })).rejects.toThrow('"aud"');
  });

  test.each([
    ['a service that is not listed', { audience: 'https://evil.example' }, 'audience'],
    ['a service that begins like one', { audience: `${API}.evil.example` }, 'audience'],
    ['two services', { audience: [API, OTHER_API] }, 'audience'],
    ['no service', { audience: null }, 'audience'],
    ['another user', { sub: 'x' }, 'sub'],
    ['another number', { phone_number: BOB }, 'phone_number'],
  ])('is refused for %s', async (_what, body, field) => {
    const app = await loggedIn(house);
    const answer = await app.post(ROUTE).send(body).expect(400);
    expect(answer.body).toMatchObject({ error: 'invalid_request', errors: [{ field }] });
    expect(JSON.stringify(answer.body)).not.toContain('billing');
  });

  test('has the same sub for a number at each login, and another sub for each service', async () => {
    const sub = async (app: ReturnType<House['app']>, audience = API) =>
      (await check(house, await assertionOf(app, { audience }), { audience })).payload.sub;
    const [one, again, bob] = [await loggedIn(house), await loggedIn(house), await loggedIn(house, BOB)];
    const all = [await sub(one), await sub(bob), await sub(one, OTHER_API), await sub(bob, OTHER_API)];
    expect(await sub(again)).toBe(all[0]);
    expect(new Set(all).size).toBe(4);
    const secret = ASSERTIONS.ASSERTION_SUBJECT_SECRET;
    expect(all[0]).toBe(createHmac('sha256', secret).update(`${API}\n${ALICE}`).digest('base64url'));
  });

  test('does not contain the phone number', async () => {
    const { payload } = await check(house, await assertionOf(await loggedIn(house)));
    expect(JSON.stringify(payload)).not.toContain(ALICE.slice(-9));
  });

  test('is about the logged-in user, not about the number of a pending login', async () => {
    const app = await loggedIn(house);
    const before = (await check(house, await assertionOf(app))).payload.sub;
    await app.post('/login').send({ phone_number: BOB }).expect(201);
    expect((await check(house, await assertionOf(app))).payload.sub).toBe(before);
  });

  test('is refused to a session that is not logged in', async () => {
    const pending = await house.walkedLogin();
    const gone = await loggedIn(house);
    await gone.post('/logout').expect(204);
    for (const app of [house.app(), pending.app, gone]) {
      const answer = await app.post(ROUTE).send({}).expect(401);
      expect(answer.body).toMatchObject({ error: 'not_authenticated', status: 401 });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('is refused twelve hours after the login', async () => {
    const app = await loggedIn(house);
    for (let hour = 0; hour < 12; hour += 0.25) {
      await assertionOf(app);
      house.world.turn(15 * 60);
    }
    await app.post(ROUTE).send({}).expect(401);
  });

  test('is refused to other origins and to forms', async () => {
    const app = await loggedIn(house);
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
      expect((await app.post(ROUTE).set(headers).send({}).expect(403)).body.error).toBe('forbidden_origin');
    }
    await app.post(ROUTE).type('form').send({ audience: API }).expect(415);
    expect((await app.get(ROUTE).expect(405)).headers['allow']).toBe('POST');
  });

  test('is verified with the published keys, which may be cached for five minutes and contain no private part', async () => {
    const answer = await fetch(`${house.base}/.well-known/jwks.json`, {
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
    await house.app().post('/.well-known/jwks.json').send({}).expect(405);
  });
});

test.each(['sms', 'voice'] as const)('an assertion after a code by %s names that method', (channel) =>
  withHouse({ env: { ...ASSERTIONS, ...WITH_CODES } }, async (house) => {
    const app = house.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await app.post('/login/next').send({ channel }).expect(200);
    await postCode(app, (await house.messages()).at(-1)?.code ?? '').expect(200);
    expect((await check(house, await assertionOf(app))).payload['amr']).toEqual([channel]);
  }),
);

test.each(['sms', 'voice'] as const)(
  'an assertion after a step-up names both methods: the SIM and %s',
  (channel) => {
    const beforeSession: Hooks['beforeSession'] = ({ channels }) =>
      channels.length > 1 ? undefined : { stepUp: true };
    return withHouse({ env: { ...ASSERTIONS, ...WITH_CODES }, hooks: { beforeSession } }, async (house) => {
      const { app, code } = await house.walkedLogin();
      await postCode(app, code).expect(403);
      await app.post('/login/next').send({ channel }).expect(200);
      await postCode(app, (await house.messages()).at(-1)?.code ?? '').expect(200);
      expect((await check(house, await assertionOf(app))).payload['amr']).toEqual(['sim', channel]);
    });
  },
);

test('a login that waits for its step-up gets no assertion', () =>
  withHouse(
    { env: { ...ASSERTIONS, ...WITH_CODES }, hooks: { beforeSession: () => ({ stepUp: true }) } },
    async (house) => {
      const { app, code } = await house.walkedLogin();
      expect((await postCode(app, code)).body.error).toBe('step_up_required');
      await app.post(ROUTE).send({}).expect(401);
    },
  ));

test('the assertion contains the phone number if ASSERTION_PHONE_NUMBER is set', () =>
  withHouse({ env: { ...ASSERTIONS, ASSERTION_PHONE_NUMBER: 'true' } }, async (house) => {
    const { payload } = await check(house, await assertionOf(await loggedIn(house)));
    expect(payload['phone_number']).toBe(ALICE);
  }));

test('during a key rotation every assertion can be verified, and sub stays the same', async () => {
  const [old, fresh] = [ASSERTIONS.ASSERTION_KEYS, newSigningKey()];
  const seen: { sub: unknown; kid: unknown; published: unknown[] }[] = [];
  for (const keys of [old, `${old},${fresh}`, `${fresh},${old}`, fresh]) {
    const env = { ...ASSERTIONS, ASSERTION_KEYS: keys, SESSION_SECRET: randomBytes(32).toString('hex') };
    await withHouse({ env }, async (house) => {
      const { payload, protectedHeader } = await check(house, await assertionOf(await loggedIn(house)));
      const published = (await keysOf(house)).map(({ kid }) => kid);
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
  withHouse({}, async (house) => {
    const app = await loggedIn(house);
    expect((await app.post(ROUTE).send({}).expect(404)).body.error).toBe('not_found');
    expect((await app.get('/.well-known/jwks.json').expect(404)).body.error).toBe('not_found');
  }));
