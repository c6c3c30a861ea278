import { walk } from './support/device.js';
import { ALICE, BOB, startSystem, CHALLENGE, postCode, withSystem, type System } from './support/system.js';

/** Calls to the operator and to the token endpoint, of every engine. */
const VERIFICATION = /\/number-verification\/v\d+\/verify$/;
const EXCHANGE = /\/token$/;

describe.each(['network-enablement', 'oidc', 'camara'])(
  'with SILENT_AUTH=%s a login completes only with both halves',
  (engine) => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: { SILENT_AUTH: engine } })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    const calls = async (path: RegExp) =>
      (await system.upstream()).filter((call) => path.test(call.path)).length;
    const authenticated = async (app: ReturnType<System['app']>) =>
      Boolean((await app.get('/session').expect(200)).body.authenticated);

    test('opening a link on the right SIM does not log in the session that began the login', async () => {
      // The attacker begins with the number of the victim, whose phone opens the link.
      const { app: attacker, code } = await system.walkedLogin(ALICE);
      for (const guess of ['A'.repeat(43), '', '123456', ALICE, code.slice(0, -1)]) {
        const refused = await postCode(attacker, guess).expect(400);
        expect(refused.body.error).toBe('invalid_code');
      }
      expect(await authenticated(attacker)).toBe(false);
      expect(await calls(VERIFICATION)).toBe(0);
    });

    test('no answer to the session that began reveals that a callback arrived', async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE });
      const before = await app.get('/login');
      await walk(begun.body.auth_url);
      const after = await app.get('/login');
      expect(after.body).toEqual(before.body);
      expect(after.body.status).toBe('pending');
    });

    test('an error of the operator is reported to the device only', async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: '+447700900103' });
      const home = await walk(begun.body.auth_url);
      expect(home).toMatchObject({ status: 400, json: { error: 'silent_auth_failed', reason: 'denied' } });
      expect((await app.get('/login')).body.status).toBe('pending');
    });

    test('a code is refused in another session, in one without a login, and without a session', async () => {
      const { code } = await system.walkedLogin(ALICE);
      const { app: bob } = await system.walkedLogin(BOB);
      const refused = await postCode(bob, code).expect(400);
      expect(refused.body.error).toBe('invalid_code');
      const { code: second } = await system.walkedLogin(ALICE);
      const without = await postCode(system.app(), second).expect(400);
      expect({ ...without.body, instance: '' }).toEqual({ ...refused.body, instance: '' });
      expect(await calls(VERIFICATION)).toBe(0);
      expect(without.headers['set-cookie']).toBeUndefined();
    });

    test('a code that another session posted is spent', async () => {
      const { app: alice, code } = await system.walkedLogin(ALICE);
      const { app: bob } = await system.walkedLogin(BOB);
      await postCode(bob, code).expect(400);
      await postCode(alice, code).expect(400);
      expect(await authenticated(alice)).toBe(false);
    });

    test('wrong, used and unknown codes get the same answer', async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      await postCode(app, code).expect(200);
      const used = await postCode(app, code).expect(400);
      const unknown = await postCode(app, 'A'.repeat(43)).expect(400);
      const malformed = await postCode(app, '<script>').expect(400);
      const bodies = [used, unknown, malformed].map(({ body }) => ({ ...body, instance: '' }));
      expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    });

    test('a number cannot be changed between /callback and /verify', async () => {
      const { app, code } = await system.walkedLogin(BOB);
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      await postCode(app, code).expect(400);
      await app.post('/verify').send({ code, phone_number: ALICE }).expect(400);
      expect(await authenticated(app)).toBe(false);
      expect(await calls(VERIFICATION)).toBe(0);
    });

    test('of fifty concurrent callbacks with one state, one succeeds', async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE });
      const { hops } = await walk(begun.body.auth_url, { stopBefore: system.base });
      const callback = hops.at(-1) ?? '';
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(callback)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 410)).toHaveLength(49);
      expect(await calls(EXCHANGE)).toBe(1);
    });

    test('of fifty concurrent /verify requests with one code, one logs in', async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      const answers = await Promise.all(Array.from({ length: 50 }, () => postCode(app, code)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
      expect(await calls(VERIFICATION)).toBe(1);
    });

    test.each([
      ['the right verifier', CHALLENGE.verifier, 200],
      ['another verifier', 'x'.repeat(43), 400],
      ['no verifier', undefined, 400],
    ])('with a code_challenge, %s is answered with %3$i', async (_what, verifier, status) => {
      const app = system.app();
      const begun = await app
        .post('/login')
        .send({ phone_number: ALICE, code_challenge: CHALLENGE.challenge });
      const home = await walk(begun.body.auth_url);
      const proof = { code: home.json?.['code'], ...(verifier && { code_verifier: verifier }) };
      await app.post('/verify').send(proof).expect(status);
      expect(await authenticated(app)).toBe(status === 200);
      expect(await calls(VERIFICATION)).toBe(status === 200 ? 1 : 0);
    });

    test('a verifier without a challenge is refused', async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      await app.post('/verify').send({ code, code_verifier: CHALLENGE.verifier }).expect(400);
      expect(await calls(VERIFICATION)).toBe(0);
    });

    test('a new login invalidates the link and the code of the login before', async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      const first = await app.post('/login').send({ phone_number: ALICE });
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      expect(await walk(first.body.auth_url)).toMatchObject({
        status: 410,
        json: { error: 'login_expired' },
      });
      await postCode(app, code).expect(400);
      expect(await calls(EXCHANGE)).toBe(1);
    });

    test('after a cancellation neither the link nor the code causes a call to Vonage', async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE });
      await app.delete('/login').expect(204);
      await app.get('/login').expect(404);
      await app.delete('/login').expect(204);
      expect(await walk(begun.body.auth_url)).toMatchObject({ status: 410 });
      expect(await calls(EXCHANGE)).toBe(0);
    });

    test('a login expires after five minutes: the link, the code, and GET /login', async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      const late = system.app();
      const begun = await late.post('/login').send({ phone_number: ALICE });
      const { hops } = await walk(begun.body.auth_url, { stopBefore: system.base });
      system.world.turn(301);
      expect((await fetch(hops.at(-1) ?? '')).status).toBe(410);
      await postCode(app, code).expect(400);
      expect((await app.get('/login')).body.status).toBe('expired');
      expect(await calls(VERIFICATION)).toBe(0);
    });
  },
);

// Before the engine is asked, so with one engine.
test('a verifier is refused if its hash differs from the challenge at any position', () =>
  withSystem({}, async (system) => {
    const hash = Buffer.from(CHALLENGE.challenge, 'base64url');
    for (let at = 0; at < hash.length; at++) {
      const other = Buffer.from(hash);
      other.writeUInt8(hash.readUInt8(at) ^ 1, at);
      const app = system.app();
      const login = { phone_number: ALICE, code_challenge: other.toString('base64url') };
      const begun = await app.post('/login').send(login).expect(201);
      const { json } = await walk(begun.body.auth_url);
      const proof = { code: json?.['code'], code_verifier: CHALLENGE.verifier };
      expect([at, (await app.post('/verify').send(proof)).status]).toEqual([at, 400]);
    }
    expect((await system.upstream()).filter(({ path }) => VERIFICATION.test(path))).toEqual([]);
  }));
