import { walk } from '../support/device.js';
import { ALICE, BOB, startSystem, CHALLENGE, postCode, type System, WITH_CODES } from '../support/system.js';
import { expectSingleUse } from './single-use.js';

/** Sends one request, so that the next one goes to the other server. */
const skipTurn = (system: System) => system.app().get('/healthz').expect(200);

// Requests alternate between the servers, whatever connection they use.
describe.each(['network-enablement', 'oidc', 'verify', 'off'])(
  'two servers on one Redis, with SILENT_AUTH=%s',
  (engine) => {
    let system: System;
    beforeAll(
      async () => (system = await startSystem({ servers: 2, env: { ...WITH_CODES, SILENT_AUTH: engine } })),
    );
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    const messageTo = async (phoneNumber: string) =>
      (await system.messages()).filter(({ to }) => to === phoneNumber).at(-1)?.code ?? '';

    test.each(['the first', 'the second'])('log a number in, beginning at %s server', async (which) => {
      if (which === 'the second') await skipTurn(system);
      const app = system.app();
      const challenge = { code_challenge: CHALLENGE.challenge };
      const begun = await app
        .post('/login')
        .send({ phone_number: ALICE, ...challenge })
        .expect(201);
      if (engine === 'off') await app.post('/login/next').send({ channel: 'sms' }).expect(200);
      const code =
        engine === 'off' ? await messageTo(ALICE) : (await walk(String(begun.body.auth_url))).json?.['code'];
      await app.post('/verify').send({ code, code_verifier: CHALLENGE.verifier }).expect(200);
      for (let look = 0; look < 3; look++) {
        expect((await app.get('/session')).body).toMatchObject({ authenticated: true, phone_number: ALICE });
      }
      await app.post('/logout').expect(204);
      for (let look = 0; look < 2; look++) {
        expect((await app.get('/session')).body).toEqual({ authenticated: false });
      }
      await expectSingleUse(system);
    });

    test.each(['the first', 'the second'])(
      'continue a login by SMS and voice, beginning at %s server',
      async (which) => {
        if (which === 'the second') await skipTurn(system);
        const app = system.app();
        await app.post('/login').send({ phone_number: BOB }).expect(201);
        for (const channel of ['sms', 'voice']) {
          const moved = await system.next(app, channel);
          expect(moved.body.channel).toBe(channel);
          expect((await app.get('/login')).body).toMatchObject({ channel, status: 'pending' });
        }
        const verified = await postCode(app, await messageTo(BOB)).expect(200);
        expect(verified.body).toEqual({ verified: true, phone_number: BOB, channel: 'voice' });
        await expectSingleUse(system);
      },
    );

    test('accept a code once, whichever server gets it', async () => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
      if (engine === 'off') await app.post('/login/next').send({}).expect(200);
      const code =
        engine === 'off' ? await messageTo(ALICE) : (await walk(String(begun.body.auth_url))).json?.['code'];
      const cookie = String((begun.headers['set-cookie'] as unknown as string[])[0]).split(';')[0] ?? '';
      const uses = Array.from({ length: 10 }, () =>
        system.app().post('/verify').set('cookie', cookie).send({ code }),
      );
      const won = (await Promise.all(uses)).filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      await expectSingleUse(system);
    });

    test('count the tries of a code together', async () => {
      const app = system.app();
      await app.post('/login').send({ phone_number: BOB }).expect(201);
      await system.next(app, 'sms');
      const wrong = (await messageTo(BOB)) === '000000' ? '111111' : '000000';
      const statuses: number[] = [];
      for (let tries = 0; tries < 3; tries++) statuses.push((await postCode(app, wrong)).status);
      expect(statuses).toEqual([400, 400, 429]);
    });
  },
);
