import supertest from 'supertest';
import type { BeforeLoginAnswer, Hooks, WantedLogin } from '../src/login/hooks.js';
import { ALICE, BOB, startSystem, postCode, type System, WITH_CODES } from './support/system.js';
import { walk } from './support/device.js';
import { FAILING } from './support/hooks.js';
import { keptFor } from './support/records.js';

describe.each(['network-enablement', 'oidc', 'camara', 'verify', 'off'])(
  'the hook beforeLogin with SILENT_AUTH=%s',
  (engine) => {
    let system: System;
    let hook: Hooks['beforeLogin'];
    beforeAll(async () => {
      const hooks: Hooks = { beforeLogin: (login) => hook?.(login) };
      system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine }, hooks });
    });
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    const begin = (app = system.app()) => app.post('/login').send({ phone_number: ALICE });
    const nothingWasSpent = async () => {
      expect(await system.upstream()).toEqual([]);
      expect(await keptFor(system.redis)).toEqual([]);
    };

    test.each<[string, Hooks['beforeLogin']]>([
      ['no answer', () => undefined],
      ['{allow: true}', () => ({ allow: true })],
      ['a promise of {allow: true}', () => Promise.resolve({ allow: true })],
    ])('%s lets the login begin', async (_what, rule) => {
      hook = rule;
      await begin().expect(201);
    });

    test('{refuse: true} refuses the login, and nothing is spent on it', async () => {
      hook = () => ({ refuse: true });
      const refused = await begin().expect(403);
      expect(refused.body).toMatchObject({ error: 'login_refused', detail: 'This login is not allowed.' });
      expect(refused.headers).not.toHaveProperty('set-cookie');
      await nothingWasSpent();
    });

    test.each<[string, Hooks['beforeLogin']]>([
      ...FAILING,
      ['an answer of the other hook', (() => ({ stepUp: true })) as () => never],
    ])('%s is answered with 503, and nothing is spent on the login', async (_what, rule) => {
      hook = rule;
      expect((await begin().expect(503)).body.error).toBe('unavailable');
      await nothingWasSpent();
    });

    test('a hook that takes longer than two seconds is answered with 503, and its late answer is ignored', async () => {
      let say: (answer: BeforeLoginAnswer) => void = () => undefined;
      const asked = new Promise<void>((heard) => {
        hook = () => new Promise((answer) => (heard(), (say = answer)));
      });
      const slow = begin().then((answer) => answer);
      await asked;
      system.world.turn(2);
      expect((await slow).status).toBe(503);
      say({ allow: true });
      await nothingWasSpent();
    });

    test('a refused login does not change the login before it', async () => {
      hook = undefined;
      const app = system.app();
      const { body } = await begin(app).expect(201);
      hook = () => ({ refuse: true });
      await app.post('/login').send({ phone_number: BOB }).expect(403);
      expect((await app.get('/login')).body).toMatchObject({ login_id: body.login_id, status: 'pending' });
    });
  },
);

describe('the argument of the hook beforeLogin', () => {
  let system: System;
  let received: WantedLogin[] = [];
  beforeAll(async () => {
    system = await startSystem({ hooks: { beforeLogin: (login) => void received.push(login) } });
  });
  beforeEach(async () => {
    received = [];
    await system.reset();
  });
  afterAll(() => system.stop());

  test('contains the number, the client, the address, the headers, the login id and the request id', async () => {
    const app = supertest.agent(system.base.replace('localhost', '127.0.0.1'));
    const begun = await app.post('/login').set('X-Attestation', 'token').send({ phone_number: ALICE });
    expect(received).toEqual([
      {
        loginId: begun.body.login_id,
        phoneNumber: ALICE,
        client: 'app',
        ip: '127.0.0.1',
        headers: expect.objectContaining({ 'x-attestation': 'token' }),
        requestId: begun.headers['x-request-id'],
      },
    ]);
  });

  test('contains no cookies or credentials, and is frozen', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await app
      .post('/login')
      .set({ Authorization: 'Bearer secret', 'Proxy-Authorization': 'Basic secret' })
      .send({ phone_number: ALICE });
    const [, { headers }] = received as [WantedLogin, WantedLogin];
    expect(headers).toHaveProperty('content-type');
    expect(Object.keys(headers).filter((name) => /cookie|authorization/.test(name))).toEqual([]);
    expect([Object.isFrozen(received[1]), Object.isFrozen(headers)]).toEqual([true, true]);
  });

  test('is never an invalid number or a request of another origin, which are refused before', async () => {
    await system.app().post('/login').send({ phone_number: '+1' }).expect(400);
    await system.app().post('/login').set('Origin', 'https://evil.example').send({ phone_number: ALICE });
    expect(received).toEqual([]);
  });

  test('is passed once per login: neither /callback nor /verify calls the hook again', async () => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
    const home = await walk(begun.body.auth_url);
    await postCode(app, String(home.json?.['code'])).expect(200);
    expect(received).toHaveLength(1);
  });
});
