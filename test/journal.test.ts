import { ASSERTIONS } from './support/assertions.js';
import { rowsOf } from './support/tables.js';
import { until } from './support/until.js';
import { startSystem, postCode, WITH_CODES, type System } from './support/system.js';

type Line = Record<string, unknown>;

const linesOf = (system: System): Line[] =>
  system.world
    .logged()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ step }) => step !== undefined);

describe.each(['network-enablement', 'oidc', 'camara'])('with %s', (engine) => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: { SILENT_AUTH: engine } })));
  afterAll(() => system.stop());

  test('the log has each step with its outcome, and the number as a pseudonym that depends on the secret', async () => {
    const { app, code } = await system.walkedLogin('+447700900101');
    await postCode(app, code).expect(200);
    const lines = linesOf(system).slice(-3);
    expect(lines.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['begin', 'ok'],
      ['callback', 'ok'],
      ['verify', 'number_mismatch'],
    ]);
    expect(new Set(lines.map(({ login_id }) => login_id)).size).toBe(1);
    expect(lines[0]?.['number']).toBe(lines[2]?.['number']);
    expect(lines[0]?.['number']).toMatch(/^[\w-]{16}$/);
  });
});

describe('the log has one line', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, ...ASSERTIONS } })));
  afterAll(() => system.stop());

  /** The log lines of `work`, each with its request id. */
  const linesAfter = async (work: () => Promise<unknown>): Promise<Line[]> => {
    const before = linesOf(system).length;
    await work();
    const lines = linesOf(system).slice(before);
    for (const line of lines)
      expect(line).toEqual(
        expect.objectContaining({ request_id: expect.any(String), ms: expect.any(Number) }),
      );
    return lines;
  };

  test.each<[string, string, () => Promise<unknown>, Line]>([
    [
      'an invalid body',
      'begin',
      () => system.app().post('/login').send({ x: 1 }),
      { outcome: 'invalid_request' },
    ],
    [
      'an invalid number',
      'begin',
      () => system.app().post('/login').send({ phone_number: 'x' }),
      { outcome: 'invalid_phone_number' },
    ],
    [
      'another media type',
      'verify',
      () => system.app().post('/verify').type('text').send('x'),
      { outcome: 'unsupported_media_type' },
    ],
    [
      'another origin',
      'next',
      () => system.app().post('/login/next').set('Origin', 'https://x.example').send({}),
      { outcome: 'forbidden_origin' },
    ],
    [
      'a code without a login',
      'verify',
      () => system.app().post('/verify').send({ code: '123456' }),
      { outcome: 'invalid_code' },
    ],
    [
      '/login/next without a login',
      'next',
      () => system.app().post('/login/next').send({}),
      { outcome: 'no_login' },
    ],
    [
      'an invalid callback',
      'callback',
      () => system.app().get('/callback?state=x&code=y'),
      { outcome: 'invalid_request' },
    ],
    [
      'sessions without a session',
      'list',
      () => system.app().get('/sessions'),
      { outcome: 'not_authenticated', level: 'info' },
    ],
    [
      'the end of a session, for another origin',
      'revoke',
      () => system.app().delete('/sessions/+447700900000').set('Origin', 'https://x.example'),
      { outcome: 'forbidden_origin' },
    ],
    [
      'an assertion without a session',
      'assertion',
      () => system.app().post('/session/assertion').send({}),
      { outcome: 'not_authenticated' },
    ],
    [
      'a webhook without a signature',
      'webhook',
      () => system.app().post('/webhooks/verify').send({}),
      { outcome: 'unavailable', level: 'error' },
    ],
    [
      'a webhook that is too large',
      'webhook',
      () =>
        system
          .app()
          .post('/webhooks/verify')
          .send({ x: 'x'.repeat(20_000) }),
      { outcome: 'payload_too_large' },
    ],
    [
      'a webhook with a wrong signature',
      'webhook',
      () => system.app().post('/webhooks/verify').set('Authorization', 'Bearer x').send({}),
      { outcome: 'invalid_signature', level: 'info' },
    ],
  ])('for a request that is refused without a login: %s', async (_name, step, work, line) => {
    const lines = await linesAfter(work);
    expect(lines).toEqual([expect.objectContaining({ step, ...line })]);
    expect(lines[0]).not.toHaveProperty('login_id');
  });

  test('for each step of a login that continues with a message, with the channel and the answer of Vonage', async () => {
    const app = system.app();
    const lines = await linesAfter(async () => {
      await app.post('/login').send({ phone_number: '+447700900102' }).expect(201);
      await app.post('/login/next').send({}).expect(200);
      await app.post('/verify').send({ code: '000000' }).expect(400);
      await app
        .post('/verify')
        .send({ code: (await system.messages()).at(-1)?.code })
        .expect(200);
    });
    const own = lines.filter(({ step }) => step !== 'webhook');
    expect(own.map(({ step, outcome, channel }) => [step, outcome, channel])).toEqual([
      ['begin', 'silent_auth_unavailable', null],
      ['next', 'ok', 'sms'],
      ['verify', 'invalid_code', 'sms'],
      ['verify', 'ok', 'sms'],
    ]);
    const instance = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(own[0]).toMatchObject({
      level: 'info',
      reason: 'number_not_supported',
      upstream: { api: 'network-enablement', status: 200, error: 'UNAUTHORIZED', instance },
    });
    expect(own[2]).toMatchObject({
      upstream: { api: 'verify', status: 400, error: 'invalid-code', instance },
    });
    expect(new Set(own.map(({ login_id }) => login_id)).size).toBe(1);
  });

  test('for a webhook, with its login', async () => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: '+447700900102' });
    await app.post('/login/next').send({}).expect(200);
    await app
      .post('/verify')
      .send({ code: (await system.messages()).at(-1)?.code })
      .expect(200);
    const isOfIt = ({ step, login_id }: Line) => step === 'webhook' && login_id === begun.body.login_id;
    await until(() => Promise.resolve(linesOf(system).some(isOfIt)));
  });

  test('for a cancelled login', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: '+447700900000' }).expect(201);
    const lines = await linesAfter(async () => {
      await app.delete('/login').expect(204);
      await app.delete('/login').expect(204);
    });
    expect(lines.map(({ step, outcome }) => [step, outcome])).toEqual([['cancel', 'ok']]);
  });

  test('for a logout, at debug if there was nothing to end', async () => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const lines = await linesAfter(async () => {
      await app.post('/logout').expect(204);
      await app.post('/logout').expect(204);
      await system.app().post('/logout').expect(204);
      const begun = system.app();
      await begun.post('/login').send({ phone_number: '+447700900000' }).expect(201);
      await begun.post('/logout').expect(204);
    });
    const logouts = lines.filter(({ step }) => step === 'logout');
    expect(logouts.map(({ level }) => level)).toEqual(['info', 'debug', 'debug', 'info']);
  });

  /** The names of fields in the table of docs/operating.md. */
  const documented = rowsOf('operating.md', 'field | meaning').flatMap(([names = '']) =>
    names.replaceAll('`', '').split(', '),
  );
  /** The test's log names the message in full, and has no clock. */
  const fieldsOf = (lines: Line[]): Set<string> =>
    new Set(lines.flatMap((line) => Object.keys(line)).filter((name) => name !== 'message'));

  test('every field of a line is in docs/operating.md', async () => {
    const lines = await linesAfter(async () => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      await app.post('/logout').expect(204);
      const other = system.app();
      await other.post('/login').send({ phone_number: '+447700900102' }).expect(201);
      await other.post('/login/next').send({}).expect(200);
      await other.post('/verify').send({ code: '000000' }).expect(400);
      await system.app().post('/login').send({ phone_number: '+447700900109' }).expect(201);
    });
    // The pause of the last login.
    system.world.turn(60);
    const fields = fieldsOf(lines);
    expect(fields.size).toBeGreaterThan(8);
    for (const field of fields) expect(documented).toContain(field);
  });

  test('text of a client adds no line and no field', async () => {
    const evil = 'evil","step":"verify","outcome":"ok"}\r\n{"evil":"';
    const headers = {
      'user-agent': 'evil"',
      'x-request-id': 'evil"',
      cookie: 'sid=evil',
      authorization: 'evil"',
    };
    const query = `?state=${encodeURIComponent(evil)}&code=${encodeURIComponent(evil)}&error=${encodeURIComponent(evil)}`;
    const lines = await linesAfter(async () => {
      for (const path of ['/login', '/login/next', '/verify', '/webhooks/verify', '/logout']) {
        for (const field of ['phone_number', 'client', 'locale', 'channel', 'code', evil])
          await system
            .app()
            .post(path)
            .set(headers)
            .send({ phone_number: '+447700900000', [field]: evil });
        await system.app().post(path).set(headers).type('text').send(evil);
      }
      await system.app().get(`/callback${query}`).set(headers);
      await system
        .app()
        .get(`/${encodeURIComponent(evil)}${query}`)
        .set(headers);
    });
    expect(lines.length).toBeGreaterThan(30);
    expect(JSON.stringify(lines)).not.toContain('evil');
    for (const field of fieldsOf(lines)) expect(documented).toContain(field);
  });

  test('for an outage after which the login continues without silent authentication, as a warning', async () => {
    const lines = await linesAfter(() =>
      system.app().post('/login').send({ phone_number: '+447700900109' }).expect(201),
    );
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        outcome: 'silent_auth_unavailable',
        reason: 'unavailable',
        upstream: expect.objectContaining({ api: 'network-enablement', status: 429 }),
      }),
    ]);
  });

  test('for an internal error, with its stack and without its message', async () => {
    jest.spyOn(system.store, 'spend').mockRejectedValueOnce(new TypeError('+447700900000'));
    const lines = await linesAfter(() =>
      system.app().post('/login').send({ phone_number: '+447700900000' }).expect(500),
    );
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'error',
        step: 'begin',
        outcome: 'internal_error',
        cause: 'TypeError',
        stack: expect.stringContaining('    at '),
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('7700900');
  });
});
