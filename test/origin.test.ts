import { ALICE, buildHouse, withHouse, type House } from './support/house.js';

describe('a page of a stranger may not post', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse()));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  const strangers: [string, Record<string, string>][] = [
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin to name', { origin: 'null' }],
    ['another port', { origin: 'http://localhost:1' }],
    ['an origin that begins like ours', { origin: 'http://localhost.evil.example' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sister site', { 'sec-fetch-site': 'same-site' }],
    ['a value nobody knows', { 'sec-fetch-site': 'x' }],
    [
      'another origin that claims to be ours',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
  ];
  test.each(strangers)('from %s: no route that changes anything answers', async (_what, headers) => {
    for (const path of ['/login', '/verify', '/logout']) {
      const answer = await house.app().post(path).set(headers).send({ phone_number: ALICE }).expect(403);
      expect(answer.body.error).toBe('forbidden_origin');
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    await house.app().delete('/login').set(headers).expect(403);
    expect(await house.upstream()).toEqual([]);
    expect(await house.redis.dbsize()).toBe(0);
  });

  test('our own page and apps may', async () => {
    for (const headers of [
      {},
      { origin: house.base },
      { origin: house.base, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      await house.app().post('/login').set(headers).send({ phone_number: ALICE }).expect(201);
    }
  });

  test('CORS is off: no answer says otherwise, and a preflight is no method of ours', async () => {
    const read = await house.app().get('/session').set('origin', 'https://evil.example');
    expect(read.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await house
      .app()
      .options('/login')
      .set({ origin: 'https://evil.example', 'access-control-request-method': 'POST' });
    expect(preflight.status).toBe(405);
  });
});

test("a listed origin may call with its cookies, on the app's routes alone; any other may not", () =>
  withHouse({ env: { ALLOWED_ORIGINS: 'https://app.example.com,https://b.example.com' } }, async (house) => {
    const friend = { origin: 'https://app.example.com' };
    const begun = await house.app().post('/login').set(friend).send({ phone_number: ALICE }).expect(201);
    expect(begun.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    });
    const preflight = await house
      .app()
      .options('/verify')
      .set({ ...friend, 'access-control-request-method': 'POST' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toBe('GET,POST,DELETE');

    const callback = await house.app().get('/callback?state=x&code=y').set(friend);
    expect(callback.headers['access-control-allow-origin']).toBeUndefined();
    const stranger = await house.app().get('/session').set('origin', 'https://evil.example');
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
    await house
      .app()
      .post('/login')
      .set('origin', 'https://evil.example')
      .send({ phone_number: ALICE })
      .expect(403);
  }));
