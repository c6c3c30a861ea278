import { ALICE, startSystem, withSystem, type System } from './support/system.js';

/** The CORS headers. */
const corsOf = (headers: Record<string, string>): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('another origin may not post', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const otherOrigins: [string, Record<string, string>][] = [
    ['another origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['another port', { origin: 'http://localhost:1' }],
    ['an origin that begins like ours', { origin: 'http://localhost.evil.example' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sister site', { 'sec-fetch-site': 'same-site' }],
    ['an unknown value', { 'sec-fetch-site': 'x' }],
    [
      'another origin that claims to be ours',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
  ];
  test.each(otherOrigins)('from %s: every route that changes anything refuses', async (_what, headers) => {
    for (const path of ['/login', '/verify', '/logout']) {
      const answer = await system.app().post(path).set(headers).send({ phone_number: ALICE }).expect(403);
      expect(answer.body.error).toBe('forbidden_origin');
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    await system.app().delete('/login').set(headers).expect(403);
    expect(await system.upstream()).toEqual([]);
    expect(await system.redis.dbsize()).toBe(0);
  });

  test('our own page and apps may', async () => {
    for (const headers of [
      {},
      { origin: system.base },
      { origin: system.base, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      await system.app().post('/login').set(headers).send({ phone_number: ALICE }).expect(201);
    }
  });

  test('CORS is off: no answer has its headers, and a preflight is answered with 405', async () => {
    const read = await system.app().get('/session').set('origin', 'https://evil.example');
    expect(read.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await system
      .app()
      .options('/login')
      .set({ origin: 'https://evil.example', 'access-control-request-method': 'POST' });
    expect(preflight.status).toBe(405);
  });
});

test('only a listed origin may call with cookies, and only the routes of the app', () =>
  withSystem(
    { env: { ALLOWED_ORIGINS: 'https://app.example.com,https://b.example.com' } },
    async (system) => {
      const listed = { origin: 'https://app.example.com' };
      const begun = await system.app().post('/login').set(listed).send({ phone_number: ALICE }).expect(201);
      expect(begun.headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
      });
      const preflight = await system
        .app()
        .options('/verify')
        .set({ ...listed, 'access-control-request-method': 'POST' });
      expect(preflight.status).toBe(204);
      expect(preflight.headers['access-control-allow-methods']).toBe('GET,POST,DELETE');

      const callback = await system.app().get('/callback?state=x&code=y').set(listed);
      expect(corsOf(callback.headers)).toEqual([]);
      const unlisted = await system.app().get('/session').set('origin', 'https://evil.example');
      expect(corsOf(unlisted.headers)).toEqual([]);
      // A cache must not serve this answer to a listed origin.
      expect(unlisted.headers['vary']).toBe('Origin');
      await system
        .app()
        .post('/login')
        .set('origin', 'https://evil.example')
        .send({ phone_number: ALICE })
        .expect(403);
    },
  ));

describe('a CORS preflight', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { ALLOWED_ORIGINS: 'https://app.example.com' } });
  });
  afterAll(() => system.stop());

  const ask = (path: string, origin: string, names: string) =>
    system
      .app()
      .options(path)
      .set({
        ...{ origin, 'access-control-request-method': 'POST' },
        'access-control-request-headers': names,
      });

  test.each([
    'sentry-trace, baggage, traceparent, content-type',
    'content-type',
    'baggage,content-type,sentry-trace,traceparent',
    'x-b3-traceid,x-datadog-parent-id,newrelic,tracestate,x-request-id',
  ])('allows a listed origin to send %s', async (names) => {
    for (const path of ['/login', '/login/next', '/verify', '/session', '/logout']) {
      const { status, headers } = await ask(path, 'https://app.example.com', names);
      expect([path, status]).toEqual([path, 204]);
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': names,
        vary: 'Origin, Access-Control-Request-Headers',
      });
    }
    const sent = Object.fromEntries(names.split(/, ?/).map((name) => [name, 'application/json']));
    await system
      .app()
      .post('/login')
      .set({ origin: 'https://app.example.com', ...sent })
      .send({ phone_number: ALICE })
      .expect(201);
  });

  test('names no headers to a listed origin that requests none', async () => {
    const { headers } = await system
      .app()
      .options('/verify')
      .set({ origin: 'https://app.example.com', 'access-control-request-method': 'POST' })
      .expect(204);
    expect(headers['access-control-allow-headers']).toBeUndefined();
  });

  test.each(['/callback', '/webhooks/verify', '/errors.md', '/healthz'])(
    'is not answered at %s, whatever its origin',
    async (path) => {
      const { status, headers } = await ask(path, 'https://app.example.com', 'sentry-trace');
      expect([status, corsOf(headers)]).toEqual([405, []]);
    },
  );

  test.each([
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
  ])('from %s is not answered, as without CORS', async (origin) => {
    for (const path of ['/login', '/login/next', '/verify', '/session', '/logout']) {
      const { status, headers } = await ask(path, origin, 'content-type');
      expect([path, status, corsOf(headers)]).toEqual([path, 405, []]);
    }
  });
});
