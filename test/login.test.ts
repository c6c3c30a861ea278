import { walk } from './support/device.js';
import { ALICE, BOB, startSystem, type System } from './support/system.js';

describe.each(['redis', 'memory'] as const)('a login on the %s store', (store) => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ store })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each(['ios', 'android'] as const)('goes through all five steps with the SDK for %s', async (sdk) => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
    expect(begun.body).toEqual({
      login_id: expect.any(String),
      channel: 'silent_auth',
      auth_url: expect.stringMatching(/^http:\/\/localhost:\d+\/oauth2\/auth\?/),
      expires_at: new Date(system.world.now() + 300_000).toISOString(),
      next_channels: [],
    });
    const { login_id, auth_url } = begun.body as { login_id: string; auth_url: string };

    const home = await walk(auth_url, { sdk });
    expect(home).toMatchObject({
      status: 200,
      json: { login_id, code: expect.stringMatching(/^[\w-]{43}$/) },
    });

    const verified = await app.post('/verify').send({ code: home.json?.['code'] }).expect(200);
    expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel: 'silent_auth' });

    const session = await app.get('/session').expect(200);
    expect(session.body).toEqual({
      authenticated: true,
      phone_number: ALICE,
      channel: 'silent_auth',
      authenticated_at: new Date(system.world.now()).toISOString(),
      expires_at: new Date(system.world.now() + 30 * 60_000).toISOString(),
    });
    const login = await app.get('/login').expect(200);
    expect(login.body).toMatchObject({ login_id, status: 'completed' });
  });

  test.each(['ios', 'android'] as const)('is refused to a device with another SIM, for %s', async (sdk) => {
    const app = system.app();
    const { body } = await app.post('/login').send({ phone_number: ALICE });
    const home = await walk((body as { auth_url: string }).auth_url, { sim: BOB, sdk });
    const answer = await app.post('/verify').send({ code: home.json?.['code'] }).expect(200);
    expect(answer.body).toEqual({ verified: false, reason: 'number_mismatch', next_channels: [] });
    expect((await app.get('/session')).body).toEqual({ authenticated: false });
    expect((await app.get('/login')).body).toMatchObject({ status: 'failed' });
  });
});
