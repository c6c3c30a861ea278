import { ALICE, buildHouse, withHouse, type House } from '../support/house.js';

describe('the tap before the server', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse({ tapped: true })));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  test.each([
    ['a code', ALICE, 200, 'application/json'],
    ['a refusal', '+447700900103', 400, 'application/problem+json'],
  ])('leaves %s readable for a native SDK', async (_what, number, status, type) => {
    const { home } = await house.walkedLogin(number);
    expect(home.status).toBe(status);
    expect(home.json).toBeDefined();
    expect(home.reads).toBe(1);
    expect(home.headers).toMatchObject({
      'content-type': type,
      'content-length': String(Buffer.byteLength(home.body)),
      connection: 'close',
    });
    for (const name of ['set-cookie', 'transfer-encoding', 'keep-alive']) {
      expect(home.headers).not.toHaveProperty(name);
    }
  });

  test('lets a whole login through, and what is refused unread', async () => {
    const { app, code } = await house.walkedLogin();
    await app.post('/verify').send({ code }).expect(200);
    await app.post('/logout').send({}).expect(204);
    await app
      .post('/login')
      .send({ phone_number: 'x'.repeat(200_000) })
      .expect(413);
  });
});

test('without a tap, logins are drawn from what Vonage is asked', async () => {
  await withHouse({}, async (house) => {
    const { app, code } = await house.walkedLogin();
    await app.post('/verify').send({ code }).expect(200);
    const told = await (await fetch(`${house.sandbox}/__sandbox/conversation`)).json();
    expect(told).toMatchObject({
      tapped: false,
      logins: [{ number: ALICE, ending: { tone: 'good' } }],
    });
  });
});
