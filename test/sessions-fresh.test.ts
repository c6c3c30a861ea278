import { createMoment, type Moment } from './support/moment.js';
import { API, ASSERTIONS, check } from './support/assertions.js';
import { walk } from './support/device.js';
import { ALICE, BOB, postCode, startSystem, WITH_CODES, type System } from './support/system.js';

type App = ReturnType<System['app']>;

const ROUTE = '/session/assertion';

describe.each(['network-enablement', 'verify'])('a fresh proof with SILENT_AUTH=%s', (engine) => {
  let system: System;
  let moment: Moment;
  beforeAll(async () => {
    moment = createMoment();
    const env = { ...ASSERTIONS, ...WITH_CODES, SILENT_AUTH: engine };
    system = await startSystem({ env, through: moment.through });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const codeOf = async (begun: { body: { auth_url?: string } }) =>
    String((await walk(String(begun.body.auth_url))).json?.['code']);
  const typedCode = async () => (await system.messages()).at(-1)?.code ?? '';
  const logIn = async (phoneNumber = ALICE): Promise<App> => {
    const { app, code } = await system.walkedLogin(phoneNumber);
    await postCode(app, code).expect(200);
    return app;
  };
  const again = (app: App, more: object = {}) => app.post('/login').send({ reauthenticate: true, ...more });
  const claimsOf = async (app: App, body: object = {}) =>
    (await check(system, String((await app.post(ROUTE).send(body).expect(200)).body.assertion))).payload;
  const userOf = async (app: App) => (await app.get('/session').expect(200)).body;

  test('is required after max_age, and the assertion of the new proof has its time and channel', async () => {
    const app = await logIn();
    const before = await claimsOf(app, { max_age: 300 });
    expect(before['amr']).toEqual(['sim']);
    system.world.turn(300);
    await claimsOf(app, { max_age: 300, audience: API });
    system.world.turn(1);
    const { body } = await app.post(ROUTE).send({ max_age: 300 }).expect(401);
    expect(body.error).toBe('reauthentication_required');
    await claimsOf(app);

    await again(app).expect(201);
    await system.next(app, 'sms');
    await postCode(app, await typedCode()).expect(200);
    const after = await claimsOf(app, { max_age: 0 });
    expect(after['auth_time']).toBeGreaterThan(Number(before['auth_time']) + 300);
    expect(after).toMatchObject({ amr: ['sms'], sub: before.sub });
    expect(await userOf(app)).toMatchObject({
      channel: 'sms',
      authenticated_at: new Date(system.world.now()).toISOString(),
    });
    const { sessions } = (await app.get('/sessions').expect(200)).body as { sessions: object[] };
    expect(sessions).toMatchObject([{ current: true, channels: ['sms'] }]);
  });

  test.each([-1, 86_401, 1.5, '300', null, true])('is not compared with a max_age of %p', async (maxAge) => {
    const app = await logIn();
    const { body } = await app.post(ROUTE).send({ max_age: maxAge }).expect(400);
    expect(body).toMatchObject({ error: 'invalid_request', errors: [{ field: 'max_age' }] });
  });

  test('is one of the number of the session, with or without that number in the request', async () => {
    const app = await logIn();
    for (const more of [{}, { phone_number: ALICE }]) {
      const begun = await again(app, more).expect(201);
      const proved = await postCode(app, await codeOf(begun)).expect(200);
      expect(proved.body).toMatchObject({ verified: true, phone_number: ALICE });
      system.world.turn(31);
    }
  });

  test('is refused for another number, which the answer does not tell from that of the session', async () => {
    const app = await logIn();
    const { body } = await again(app, { phone_number: BOB }).expect(403);
    expect(body.error).toBe('wrong_number');
    expect(JSON.stringify(body)).not.toMatch(/\+?4477/);
    await again(app, { phone_number: '07700900000' }).expect(400);
    expect((await app.get('/login')).body).toMatchObject({ status: 'completed' });
    expect(await userOf(app)).toMatchObject({ authenticated: true, phone_number: ALICE });
  });

  test.each([
    ['no session', (app: App) => Promise.resolve(app)],
    ['a login under way', async (app: App) => (await app.post('/login').send({ phone_number: ALICE }), app)],
    ['a logout', async () => (await logIn()).post('/logout').then(() => system.app())],
  ])('is only for a session that is logged in, not with %s', async (_what, prepare) => {
    const app = await prepare(system.app());
    expect((await again(app).expect(401)).body.error).toBe('not_authenticated');
    expect((await again(app, { phone_number: ALICE }).expect(401)).body.error).toBe('not_authenticated');
  });

  test('is no reason for a login without a number', async () => {
    const app = await logIn();
    for (const reauthenticate of [false, undefined]) {
      const { body } = await app.post('/login').send({ reauthenticate }).expect(400);
      expect(body).toMatchObject({ errors: [{ field: 'phone_number', message: 'Must be a string.' }] });
    }
    await app.post('/login').send({ reauthenticate: 'yes' }).expect(400);
  });

  test('leaves the user logged in while it is under way, and when it fails', async () => {
    const app = await logIn();
    const before = await userOf(app);
    await again(app).expect(201);
    expect(await userOf(app)).toEqual(before);
    await system.next(app, 'sms');
    const wrong = (await typedCode()) === '000000' ? '111111' : '000000';
    for (let tries = 0; tries < 3; tries++) await postCode(app, wrong);
    expect((await app.get('/login')).body).toMatchObject({ status: 'failed' });
    expect(await userOf(app)).toMatchObject({ channel: 'silent_auth', phone_number: ALICE });
    await again(app);
    await app.delete('/login').expect(204);
    expect(await userOf(app)).toMatchObject({ channel: 'silent_auth', phone_number: ALICE });
  });

  test('does not complete after another user has logged in in the same session', async () => {
    const app = await logIn();
    await again(app).expect(201);
    // The same session, whose record another request has changed meanwhile.
    await app.post('/login').send({ phone_number: BOB }).expect(201);
    await system.next(app, 'sms');
    await postCode(app, await typedCode()).expect(200);
    expect(await userOf(app)).toMatchObject({ phone_number: BOB });
    expect((await again(app, { phone_number: ALICE }).expect(403)).body.error).toBe('wrong_number');
  });

  test('does not complete after the session of the user has expired, and sends no message then', async () => {
    const app = await logIn();
    for (let minutes = 0; minutes < 719; minutes += 20) {
      system.world.turn(1200 - (minutes === 700 ? 120 : 0));
      await app.get('/session').expect(200);
    }
    expect(await userOf(app)).toMatchObject({ authenticated: true });
    await again(app).expect(201);
    await system.next(app, 'sms');
    system.world.turn(150);
    const { length } = await system.messages();
    await app.post('/login/next').send({ channel: 'voice' }).expect(410);
    expect(await system.messages()).toHaveLength(length);
    await postCode(app, await typedCode()).expect(410);
    expect(await userOf(app)).toEqual({ authenticated: false });
  });

  test('of a session that was ended meanwhile does not bring it back', async () => {
    const [app, other] = [await logIn(), await logIn(BOB)];
    const begun = await again(app).expect(201);
    const code = await codeOf(begun);
    moment.before('replace', 'sess:', () => app.post('/logout').expect(204));
    await postCode(app, code).expect(410);
    expect(await userOf(app)).toEqual({ authenticated: false });
    expect(await userOf(other)).toMatchObject({ authenticated: true });
  });
});
