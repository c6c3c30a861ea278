import { startSystem, type System } from './support/system.js';

describe('an error answer', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  afterAll(() => system.stop());

  test('names the invalid fields', async () => {
    const answer = await system.app().post('/login').send({ phone_number: 7, nonsense: 1 }).expect(400);
    expect(answer.body.errors).toEqual([
      { field: 'phone_number', message: 'Must be a string.' },
      { field: 'nonsense', message: 'This field is unknown.' },
    ]);
  });

  test.each(['[{"phone_number":"+447700900000"}]', '{"phone_number":"+4477', '7'])(
    'names no field of %s',
    async (body) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await system.app().post('/login').set(headers).send(body).expect(400);
      expect(answer.body).toMatchObject({
        error: 'invalid_request',
        detail: 'The body has to be a JSON object.',
      });
      expect(answer.body).not.toHaveProperty('errors');
    },
  );

  test('401 names what has to authenticate the request', async () => {
    const answer = await system.app().get('/sessions').expect(401);
    expect(answer.headers['www-authenticate']).toBe('Cookie realm="login"');
    const page = await system.app().get('/sessions').set('Sec-Fetch-Dest', 'document').expect(401);
    expect(page.headers['www-authenticate']).toBe('Cookie realm="login"');
  });

  test('405 lists the allowed methods', async () => {
    const answer = await system.app().put('/login').expect(405);
    expect(answer.headers['allow']).toBe('GET, HEAD, POST, DELETE');
  });
});

describe('every answer', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  afterAll(() => system.stop());

  test.each(['/session', '/login', '/healthz', '/readyz', '/callback', '/nothing', '/'])(
    'from %s has the security headers',
    async (path) => {
      const { headers } = await fetch(system.base + path);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none';script-src 'self';.*frame-ancestors 'none'$/,
      );
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe(path === '/' ? 'no-cache' : 'no-store');
    },
  );

  test('/healthz and /readyz answer 200 when Redis answers', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await fetch(system.base + path);
      expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  test.each(['/errors.md', '/page.css', '/client.js'])('to a range of %s is the whole file', async (path) => {
    const whole = await (await fetch(system.base + path)).text();
    for (const range of ['bytes=0-3', 'bytes=99999999-']) {
      const answer = await fetch(system.base + path, { headers: { range } });
      expect([answer.status, await answer.text()]).toEqual([200, whole]);
    }
  });

  test('to a file request whose If-Match does not match is a client error', async () => {
    const answer = await fetch(`${system.base}/errors.md`, { headers: { 'if-match': '"x"' } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
    expect(system.world.logged()).not.toContain('internal_error');
  });

  test('of an internal error says nothing of it', async () => {
    jest.spyOn(system.store, 'spend').mockRejectedValueOnce(new TypeError('secret of the inside'));
    const login = () => system.app().post('/login').send({ phone_number: '+447700900000' });
    const { body, headers } = await login().expect(500);
    expect(body).toEqual({
      type: expect.stringMatching(/#internal_error$/),
      title: expect.any(String),
      status: 500,
      detail: 'The server log has the error under this instance id.',
      error: 'internal_error',
      instance: headers['x-request-id'],
    });
    await login().expect(201);
  });

  test('the type of a problem links to its documentation', async () => {
    const problem = (await (await fetch(`${system.base}/nothing`)).json()) as { type: string };
    const text = await (await fetch(problem.type)).text();
    expect(text).toContain('## not_found');
  });
});
