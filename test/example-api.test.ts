import { API, ASSERTIONS, OTHER_API } from './support/assertions.js';
import { ALICE, startSystem, postCode, WITH_CODES, type System } from './support/system.js';
import { endPrograms, node } from './support/programs.js';
import { freePort } from './support/redis-server.js';

/** The API of examples/api, which is one of the audiences of the server. */
describe('the example API behind the server', () => {
  let system: System;
  let api: string;
  beforeAll(async () => {
    system = await startSystem({ env: { ...ASSERTIONS, ...WITH_CODES } });
    const PORT = `${await freePort()}`;
    api = `http://localhost:${PORT}`;
    const program = node(['examples/api/server.js'], { PORT, ISSUER: system.base, AUDIENCE: API });
    await program.said(/The API is at/);
  });
  afterAll(async () => {
    await endPrograms();
    await system.stop();
  });

  const loggedIn = async () => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    return app;
  };
  const assertionOf = async (app: ReturnType<System['app']>, audience = API): Promise<string> =>
    String((await app.post('/session/assertion').send({ audience }).expect(200)).body.assertion);
  const ask = async (assertion: string | undefined, method = 'GET', path = '/me', at = api) => {
    const headers = assertion === undefined ? {} : { authorization: `Bearer ${assertion}` };
    const answer = await fetch(at + path, { method, headers });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text };
  };

  test('identifies the user and the method of login by an assertion', async () => {
    const { status, text } = await ask(await assertionOf(await loggedIn()));
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { user: expect.stringMatching(/^[\w-]{43}$/), by: ['sim'] },
    ]);
  });

  test('rejects a request without an assertion, with one for another audience, or with an altered one', async () => {
    const app = await loggedIn();
    const [head, claims, signature] = (await assertionOf(app)).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const altered = Buffer.from(
      Buffer.from(claims ?? '', 'base64url')
        .toString()
        .replace('sim', 'SIM'),
    );
    for (const assertion of [
      undefined,
      'x',
      await assertionOf(app, OTHER_API),
      `${head}.${altered.toString('base64url')}.${signature}`,
      `${none}.${claims}.`,
    ]) {
      const { status, headers } = await ask(assertion);
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
    }
  });

  test('allows a sensitive action after a recent SIM login, and not after a code', async () => {
    const transfer = async (app: ReturnType<System['app']>) =>
      (await ask(await assertionOf(app), 'POST', '/transfers')).status;
    expect(await transfer(await loggedIn())).toBe(201);
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    expect(await transfer(app)).toBe(403);
  });

  test('reports a port that is taken', async () => {
    const { code, output } = await node(['examples/api/server.js'], { PORT: new URL(api).port }).ended;
    expect([code, output]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });

  test('answers with a server error if it cannot fetch the keys', async () => {
    const PORT = `${await freePort()}`;
    const env = { PORT, ISSUER: system.base, JWKS_URL: `${system.base}/nowhere`, AUDIENCE: API };
    await node(['examples/api/server.js'], env).said(/The API is at/);
    const { status } = await ask(
      await assertionOf(await loggedIn()),
      'GET',
      '/me',
      `http://localhost:${PORT}`,
    );
    expect(status).toBe(500);
  });
});
