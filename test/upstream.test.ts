import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createAppToken } from '../src/vonage/tokens.js';
import { isAllowedLink, VONAGE_DOMAINS } from '../src/config/vonage.js';
import { walk } from './support/device.js';
import { ALICE, startSystem, postCode, withSystem, type System } from './support/system.js';
import { keptFor } from './support/records.js';
import { testWorld } from './support/world.js';

const SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';
const json = (body: unknown, status = 200) => ({
  status,
  body: JSON.stringify(body),
  content_type: 'application/json',
});

describe('answers of Vonage', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const calls = async (path: string) =>
    (await system.upstream()).filter((call) => call.path.startsWith(path)).length;
  const authenticated = async (app: ReturnType<System['app']>) =>
    Boolean((await app.get('/session')).body.authenticated);

  describe('of Network Enablement', () => {
    const begin = (phoneNumber = ALICE) => system.app().post('/login').send({ phone_number: phoneNumber });

    test('are asked for with the scope of Number Verification alone', async () => {
      await begin().expect(201);
      expect((await system.upstream()).map(({ body }) => body)).toEqual([
        { phone_number: ALICE, scopes: [SCOPE], state: expect.any(String) },
      ]);
    });

    test('an error for our scope in a 200 means that silent authentication is unavailable, and the login exists', async () => {
      const app = system.app();
      const answer = await app.post('/login').send({ phone_number: '+447700900102' }).expect(201);
      expect(answer.body).toMatchObject({ channel: null, auth_url: null, reason: 'silent_auth_unavailable' });
      expect((await app.get('/login')).body).toMatchObject({ status: 'pending', channel: null });
    });

    test.each<[string, object, number, string]>([
      [
        '401',
        json({ type: 'https://x/api-errors#unauthorized', title: 'Unauthorized', instance: 'a-1' }, 401),
        502,
        'upstream_error',
      ],
      ['422', json({ title: 'Unprocessable Entity' }, 422), 502, 'upstream_error'],
      ['429', { ...json({}, 429), headers: { 'retry-after': '7' } }, 503, 'unavailable'],
      ['504', json({}, 504), 504, 'upstream_timeout'],
    ])('%s is an error, and no session is created', async (_what, fault, status, error) => {
      await system.control('faults', { 'network-enablement': fault });
      const answer = await begin().expect(status);
      expect(answer.body.error).toBe(error);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(await keptFor(system.redis)).toEqual([]);
      if (status === 503) expect(answer.headers['retry-after']).toBe('7');
    });

    test.each<[string, object]>([
      ['without our scope', { scopes: {} }],
      ['whose scope has neither link nor error', { scopes: { [SCOPE]: {} } }],
      ['with a link to a foreign host', { scopes: { [SCOPE]: { auth_url: 'https://evil.example/x' } } }],
      ['with an invalid link', { scopes: { [SCOPE]: { auth_url: '/oauth2/auth' } } }],
    ])('a 200 %s is an error', async (_what, body) => {
      await system.control('faults', { 'network-enablement': json(body) });
      const answer = await begin().expect(502);
      expect(JSON.stringify(answer.body)).not.toContain('evil');
      expect(answer.body.error).toBe('upstream_error');
    });

    test.each<[string, unknown]>([
      ['has neither link nor error', {}],
      ['is null', null],
      ['is a string', 'unsupported'],
      ['is a number', 7],
      ['is a list', [{ auth_url: 7 }]],
      ['has a link that is a number', { auth_url: 7 }],
      ['has an error that is a string', { error: 'UNAUTHORIZED' }],
      ['has an error whose fields are numbers', { error: { instance: 7, error_type: 7 } }],
      ['has fields of a later version', { status: 'PENDING', links: [] }],
    ])('another scope that %s is ignored', async (_what, other) => {
      const auth_url = `${system.sandbox}/oauth2/auth?x=1`;
      const scopes = { 'dpv:Other#scope': other, [SCOPE]: { auth_url }, ['__proto__']: other };
      await system.control('faults', { 'network-enablement': json({ scopes }) });
      const answer = await begin().expect(201);
      expect(answer.body).toMatchObject({ channel: 'silent_auth', auth_url });
    });

    test.each<[string, unknown]>([
      ['without fields', {}],
      ['that is a string', 'UNAUTHORIZED'],
      ['whose fields are numbers', { instance: 7, error_type: 7, title: null }],
      ['beside a link that is null', { error_type: 'UNAUTHORIZED' }],
    ])('an error %s for our scope means that silent authentication is unavailable', async (what, error) => {
      const own = { error, ...(what.includes('null') && { auth_url: null }) };
      await system.control('faults', { 'network-enablement': json({ scopes: { [SCOPE]: own } }) });
      const answer = await begin().expect(201);
      expect(answer.body).toMatchObject({ channel: null, auth_url: null, reason: 'silent_auth_unavailable' });
    });

    // The second is the example of the reference.
    test.each(['bf0ca0bf927b3b52e3cb03217e1a1ddf', 'bf0ca0-bf927b-3b52e3cb-03217e1a1ddf'])(
      'an error appears in the log with its instance %s',
      async (instance) => {
        const error = { title: 'Forbidden', instance, error_type: 'UNAUTHORIZED' };
        await system.control('faults', { 'network-enablement': json({ scopes: { [SCOPE]: { error } } }) });
        await begin().expect(201);
        expect(system.world.logged()).toContain(instance);
      },
    );

    test('207 is read as 200', async () => {
      const auth_url = `${system.sandbox}/oauth2/auth?x=1`;
      await system.control('faults', {
        'network-enablement': json({ scopes: { [SCOPE]: { auth_url } } }, 207),
      });
      expect((await begin().expect(201)).body).toMatchObject({ channel: 'silent_auth', auth_url });
    });

    test.each([502, 503, 504])('%i is retried once, with a new state', async (status) => {
      await system.control('faults', { 'network-enablement': { ...json({}, status), times: 1 } });
      await begin().expect(201);
      const states = (await system.upstream()).map(({ body }) => (body as { state: string }).state);
      expect(states).toHaveLength(2);
      expect(new Set(states).size).toBe(2);
    });

    test('a second 502 is an error without another retry', async () => {
      await system.control('faults', { 'network-enablement': json({}, 502) });
      await begin().expect(502);
      expect(await calls('/v0.1')).toBe(2);
    });

    test.each([500, 429, 401])('%i is not retried', async (status) => {
      await system.control('faults', { 'network-enablement': json({}, status) });
      await begin();
      expect(await calls('/v0.1')).toBe(1);
    });

    test('a connection that breaks after the request was read is not retried', async () => {
      await system.control('faults', { 'network-enablement': { drop: 'after' } });
      await begin().expect(502);
      expect(await calls('/v0.1')).toBe(1);
    });
  });

  describe('of the token endpoint', () => {
    const returned = async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
      return { app, home: await walk(begun.body.auth_url) };
    };

    test.each<[string, object]>([
      ['Bearer and 3600', { token_type: 'Bearer', expires_in: 3600 }],
      ['bearer and 29', { token_type: 'bearer', expires_in: 29 }],
      ['BEARER and "120"', { token_type: 'BEARER', expires_in: '120' }],
      ['no expires_in', { expires_in: null }],
      ['a refresh token', { refresh_token: 'r'.repeat(40) }],
    ])('%s is accepted', async (_what, token) => {
      await system.control('token', token);
      const { app, home } = await returned();
      await postCode(app, String(home.json?.['code'])).expect(200);
    });

    test.each([
      [29, 29],
      [3600, 300],
    ])('a token with expires_in %i is kept for at most %i s', async (said, kept) => {
      await system.control('token', { expires_in: said });
      await returned();
      const [key = ''] = await system.redis.keys('code:*');
      expect(await system.redis.ttl(key)).toBeLessThanOrEqual(kept);
      expect(await system.redis.ttl(key)).toBeGreaterThan(kept - 5);
    });

    test.each<[string, object, number, string]>([
      ['invalid_grant', json({ error: 'invalid_grant' }, 400), 400, 'silent_auth_failed'],
      [
        'invalid_grant with fields of null',
        json({ error: 'invalid_grant', error_description: null, error_uri: null }, 400),
        400,
        'silent_auth_failed',
      ],
      [
        'a problem',
        json({ type: 'https://x#invalid-param', title: 'Bad Request', instance: 'b45ae630-0' }, 400),
        502,
        'upstream_error',
      ],
      [
        'a CAMARA error',
        json({ status: 403, code: 'PERMISSION_DENIED', message: 'no' }, 403),
        502,
        'upstream_error',
      ],
      ['429', json({}, 429), 503, 'unavailable'],
      ['503', json({}, 503), 502, 'upstream_error'],
      ['a broken connection', { drop: 'after' }, 502, 'upstream_error'],
    ])(
      '%s is an error for the device after one call, and no code is issued',
      async (_what, fault, status, error) => {
        await system.control('faults', { token: fault });
        const { home } = await returned();
        expect(home).toMatchObject({ status, json: { error } });
        expect(home.body).not.toMatch(/PERMISSION|invalid-param|html/);
        expect(await calls('/oauth2/token')).toBe(1);
        expect(await system.redis.keys('code:*')).toEqual([]);
      },
    );
  });

  describe('of Number Verification', () => {
    const verify = async (fault: object) => {
      const { app, code } = await system.walkedLogin();
      await system.control('faults', { verify: fault });
      return { app, answer: await postCode(app, code) };
    };
    const camara = (status: number, code: string) => json({ status, code, message: 'x' }, status);

    test.each<[string, object, number, string, string | undefined]>([
      [
        'not on cellular',
        camara(403, 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'),
        400,
        'silent_auth_failed',
        'not_on_cellular',
      ],
      ...[{ status: '403', message: 'x' }, { message: 'x' }, { status: 403, message: null }, {}].map(
        (others): [string, object, number, string, string] => [
          `not on cellular, beside ${JSON.stringify(others)},`,
          json({ code: 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK', ...others }, 403),
          400,
          'silent_auth_failed',
          'not_on_cellular',
        ],
      ),
      [
        'no number in the token, 0.3',
        camara(403, 'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT'),
        400,
        'silent_auth_failed',
        'operator_error',
      ],
      [
        'no number in the token, 1.0',
        camara(403, 'INVALID_TOKEN_CONTEXT'),
        400,
        'silent_auth_failed',
        'operator_error',
      ],
      [
        'unknown number',
        camara(404, 'IDENTIFIER_NOT_FOUND'),
        400,
        'silent_auth_failed',
        'number_not_supported',
      ],
      [
        'unsupported number',
        camara(422, 'SERVICE_NOT_APPLICABLE'),
        400,
        'silent_auth_failed',
        'number_not_supported',
      ],
      ['INVALID_ARGUMENT', camara(400, 'INVALID_ARGUMENT'), 502, 'upstream_error', undefined],
      ['UNAUTHENTICATED', camara(401, 'UNAUTHENTICATED'), 502, 'upstream_error', undefined],
      ['PERMISSION_DENIED', camara(403, 'PERMISSION_DENIED'), 502, 'upstream_error', undefined],
      ['TOO_MANY_REQUESTS', camara(429, 'TOO_MANY_REQUESTS'), 503, 'unavailable', undefined],
      ['INTERNAL', camara(500, 'INTERNAL'), 502, 'upstream_error', undefined],
      ['UNAVAILABLE', camara(503, 'UNAVAILABLE'), 502, 'upstream_error', undefined],
      ['TIMEOUT', camara(504, 'TIMEOUT'), 504, 'upstream_timeout', undefined],
    ])('%s does not log in, after one call', async (_what, fault, status, error, reason) => {
      const { app, answer } = await verify(fault);
      expect(answer.body).toMatchObject({ status, error, ...(reason && { reason }) });
      expect(await authenticated(app)).toBe(false);
      expect(await calls('/camara')).toBe(1);
      expect((await app.get('/login')).body.status).toBe('failed');
    });

    test.each<[string, string, number, string]>([
      ['not_mobile', '+447700900104', 400, 'silent_auth_failed'],
      ['garbage', '+447700900108', 502, 'upstream_error'],
    ])('the subscriber %s is not logged in', async (_what, number, status, error) => {
      const { app, code } = await system.walkedLogin(number);
      expect((await postCode(app, code).expect(status)).body.error).toBe(error);
      expect(await authenticated(app)).toBe(false);
    });
  });

  test('no answer for three seconds is a 504, and for the device after two and a half, before the SDKs time out', async () => {
    const slow = await system.walkedLogin('+447700900105');
    const begin = () => system.app().post('/login').send({ phone_number: ALICE });
    const { auth_url: link } = (await begin().expect(201)).body;
    const never = { delay_ms: 8000 };
    await system.control('faults', { 'network-enablement': never, token: never });
    const [begun, home, verified] = await Promise.all([begin(), walk(link), postCode(slow.app, slow.code)]);
    const late = { error: 'upstream_timeout' };
    expect([begun, verified]).toMatchObject(Array(2).fill({ status: 504, body: late }));
    expect(home).toMatchObject({ status: 504, json: late });
    expect(await authenticated(slow.app)).toBe(false);
  });

  test.each<[string, string, number, string]>([
    ['invalid_grant', '+447700900106', 400, 'silent_auth_failed'],
    ['server_error', '+447700900107', 400, 'silent_auth_failed'],
  ])('the subscriber %s is refused at the callback', async (_what, number, status, error) => {
    const { home } = await system.walkedLogin(number);
    expect(home).toMatchObject({ status, json: { error } });
  });

  test('the subscriber rate_limited gets Retry-After', async () => {
    const answer = await system.app().post('/login').send({ phone_number: '+447700900109' }).expect(503);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.body).toMatchObject({ error: 'unavailable', retry_after: 7 });
  });

  test.each([
    ['+99012345678', true],
    ['+99012345677', false],
  ])('the Virtual Operator of Vonage answers for %s: %p', async (number, verified) => {
    const { app, code } = await system.walkedLogin(number);
    expect((await postCode(app, code).expect(200)).body.verified).toBe(verified);
  });

  test('each call names the server in User-Agent, without which gateways refuse requests', async () => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const agents = (await system.upstream()).map(({ headers }) => headers['user-agent']);
    expect(agents).toEqual(Array(3).fill('silent-auth-bff'));
  });

  test('each call sends x-correlator with the request id of our answer', async () => {
    const answer = await system
      .app()
      .post('/login')
      .send({ phone_number: ALICE })
      .set('x-correlator', 'mine')
      .set('x-request-id', 'mine');
    const [call] = await system.upstream();
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(call?.headers['x-correlator']).toBe(answer.headers['x-request-id']);
  });
});

test('an unreachable Vonage is an error at once', () =>
  withSystem({ env: { VONAGE_BASE_URL: 'http://localhost:1' } }, async (system) => {
    const answer = await system.app().post('/login').send({ phone_number: ALICE });
    expect(answer.body).toMatchObject({ status: 502, error: 'upstream_error' });
  }));

test('SILENT_AUTH=oidc begins without a call, and has the same steps', () =>
  withSystem({ env: { SILENT_AUTH: 'oidc' } }, async (system) => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
    expect(await system.upstream()).toEqual([]);
    const url = new URL(begun.body.auth_url);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: system.config.vonage.applicationId,
      response_type: 'code',
      scope: `openid ${SCOPE}`,
      redirect_uri: `${system.base}/callback`,
      login_hint: ALICE,
      state: expect.stringMatching(/^a[\w-]{43}$/),
    });
    const home = await walk(begun.body.auth_url);
    await postCode(app, String(home.json?.['code'])).expect(200);
    expect((await app.get('/session')).body.authenticated).toBe(true);
  }));

test.each([
  ['https://api-eu.vonage.com/oauth2/auth', true],
  ['https://api-eu.vonage.com:443/x', true],
  ['https://api-eu.vonage.com:8443/x', false],
  ['https://api-eu.vonage.com.evil.example/x', false],
  ['https://api-eu.vonage.com@evil.example/x', false],
  ['https://user@api-eu.vonage.com/x', false],
  ['//api-eu.vonage.com/x', false],
  ['http://localhost:4000/x', true],
  ['http://127.0.0.1:4000/x', false],
  ['ftp://api-eu.vonage.com/x', false],
  ['', false],
])('a link may lead to %p: %p', (link, allowed) => {
  expect(isAllowedLink(link, ['api-eu.vonage.com', 'localhost:4000', '127.0.0.1:4000'])).toBe(allowed);
});

test.each([
  ['https://api-eu-3.vonage.com/v2/verify/x/silent-auth/redirect', true],
  ['https://api.nexmo.com/v2/verify/x/silent-auth/redirect', true],
  ['https://vonage.com/x', true],
  ['https://a.b.c.nexmo.com/?x=1#y', true],
  ['HTTPS://API.NEXMO.COM/x', true],
  ['https://api.nexmo.com:443/x', true],
  ['https://api.nexmo.com', true],
  [`https://api.nexmo.com/${'x'.repeat(8192 - 'https://api.nexmo.com/'.length)}`, true],
  [`https://api.nexmo.com/${'x'.repeat(8193 - 'https://api.nexmo.com/'.length)}`, false],
  ['http://api.nexmo.com/x', false],
  ['https://api.nexmo.com:8443/x', false],
  ['https://api.nexmo.com:80/x', false],
  ['https://evilvonage.com/x', false],
  ['https://vonage.com.evil.tld/x', false],
  ['https://vonage.com./x', false],
  ['https://api.vonage.com./x', false],
  ['https://vonage.com@evil.tld/x', false],
  ['https://vonage.com:x@evil.tld/x', false],
  ['https://@api.nexmo.com/x', false],
  ['https://evil.tld#.vonage.com/x', false],
  ['https://evil.tld?.vonage.com', false],
  ['https://evil.tld/.vonage.com', false],
  ['https://evil.tld\\.vonage.com/x', false],
  ['https://vonage.com\\.evil.tld/x', false],
  ['https:api.nexmo.com/x', false],
  ['https:///api.nexmo.com/x', false],
  ['https://api%2enexmo.com/x', false],
  ['https://evil.tld%2f.vonage.com/x', false],
  ['https://von\tage.com/x', false],
  ['https://api.nexmo.com/x\r\nHost: evil.tld', false],
  [' https://api.nexmo.com/x', false],
  ['https://vonage\uff0ecom/x', false],
  ['https://\uff56onage.com/x', false],
  ['https://v\u043enage.com/x', false],
  ['https://xn--vnage-3nf.com/x', false],
  ['https://com/x', false],
  ['https://.vonage.com/x', false],
  ['https://[::1]/x', false],
  ['javascript://api.nexmo.com/%0aalert(1)', false],
])('by default a link may lead to %p: %p', (link, allowed) => {
  expect(isAllowedLink(link, VONAGE_DOMAINS)).toBe(allowed);
});

describe('the application JWT', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  test('names the application, and expires after five minutes', async () => {
    const world = testWorld();
    const jwt = await createAppToken('app-1', privateKey, world)();
    const iat = Math.floor(world.now() / 1000);
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(decodeJwt(jwt)).toEqual({
      application_id: 'app-1',
      iat,
      exp: iat + 300,
      jti: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('is signed once for concurrent calls, and cached until shortly before it expires', async () => {
    const world = testWorld();
    const token = createAppToken('app-1', privateKey, world);
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, token));
    expect(new Set([first, ...others]).size).toBe(1);
    world.turn(269);
    expect(await token()).toBe(first);
    world.turn(1);
    expect(await token()).not.toBe(first);
  });

  test('is signed again after the clock was set back', async () => {
    const world = testWorld();
    const token = createAppToken('app-1', privateKey, world);
    const first = await token();
    world.turn(-600);
    expect(await token()).not.toBe(first);
  });

  test('is signed again after a signature failed', async () => {
    const world = testWorld();
    let broken = true;
    const token = createAppToken('app-1', privateKey, {
      ...world,
      random: (bytes) => {
        if (broken) throw new Error('no entropy');
        return world.random(bytes);
      },
    });
    await expect(async () => token()).rejects.toThrow('no entropy');
    broken = false;
    expect(await token()).toMatch(/^ey/);
  });
});
