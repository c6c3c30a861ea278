import type { Hooks, ProvenLogin } from '../src/login/hooks.js';
import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  startSystem,
  CHALLENGE,
  postCode,
  withSystem,
  type System,
  WITH_CODES,
} from './support/system.js';

type App = ReturnType<System['app']>;
const next = (app: App, channel: string) => app.post('/login/next').send({ channel });

/** Requires a code in addition to the SIM. */
const stepUp: Hooks['beforeSession'] = ({ channel }) =>
  channel === 'silent_auth' ? { stepUp: true } : { allow: true };

describe.each(['network-enablement', 'oidc', 'camara', 'verify'])(
  'a step-up with SILENT_AUTH=%s',
  (engine) => {
    let system: System;
    let rule: Hooks['beforeSession'];
    beforeAll(async () => {
      const hooks: Hooks = { beforeSession: (login) => rule?.(login) };
      system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine }, hooks });
    });
    beforeEach(() => {
      rule = stepUp;
      return system.reset();
    });
    afterAll(() => system.stop());

    const steppedUp = async (more: object = {}, verifier?: string) => {
      const app = system.app();
      const begun = await app
        .post('/login')
        .send({ phone_number: ALICE, ...more })
        .expect(201);
      const home = await walk(begun.body.auth_url);
      const code = String(home.json?.['code']);
      const proof = { code, ...(verifier !== undefined && { code_verifier: verifier }) };
      const answer = await app.post('/verify').send(proof).expect(403);
      return { app, code, answer, loginId: String(begun.body.login_id) };
    };
    const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);
    const codeFrom = async (channel: string) =>
      (await system.messages()).filter((each) => each.channel === channel).at(-1)?.code ?? '';

    test('gives no session, sends no message by itself, and names the next channels', async () => {
      const { app, answer, loginId } = await steppedUp();
      expect(answer.body).toMatchObject({ error: 'step_up_required', next_channels: ['sms', 'voice'] });
      expect((await app.get('/login')).body).toMatchObject({
        login_id: loginId,
        status: 'pending',
        channel: null,
        next_channels: ['sms', 'voice'],
      });
      expect(await isAuthenticated(app)).toBe(false);
      system.world.turn(120);
      await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
      expect(await system.messages()).toEqual([]);
    });

    test.each(['sms', 'voice'])('is completed by %s in the same login, for its number', async (channel) => {
      const { app, loginId } = await steppedUp();
      const moved = await system.next(app, channel);
      expect(moved.body).toMatchObject({ login_id: loginId, channel });
      expect((await system.messages()).map((each) => [each.to, each.channel])).toEqual([[ALICE, channel]]);
      const verified = await postCode(app, await codeFrom(channel)).expect(200);
      expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel });
      expect((await app.get('/session')).body).toMatchObject({
        phone_number: ALICE,
        channel,
        channels: ['silent_auth', channel],
      });
      expect(system.world.logged()).toContain('"outcome":"step_up_required"');
    });

    test('can continue from SMS to voice', async () => {
      const { app } = await steppedUp();
      await system.next(app, 'sms');
      await system.next(app, 'voice');
      await postCode(app, await codeFrom('voice')).expect(200);
    });

    test('calls the hook again for the code', async () => {
      const received: ProvenLogin['channel'][] = [];
      rule = (login) => (received.push(login.channel), stepUp(login));
      const { app } = await steppedUp();
      await system.next(app, 'sms');
      await postCode(app, await codeFrom('sms')).expect(200);
      expect(received).toEqual(['silent_auth', 'sms']);
    });

    test('gives the hook both channels, and one channel for a code without the SIM', async () => {
      const received: ProvenLogin['channels'][] = [];
      /** Requires both the SIM and a code. */
      rule = ({ channels }) => (received.push(channels), channels.length > 1 ? undefined : { stepUp: true });
      const both = await steppedUp();
      await system.next(both.app, 'voice');
      await postCode(both.app, await codeFrom('voice')).expect(200);
      expect(received.splice(0)).toEqual([['silent_auth'], ['silent_auth', 'voice']]);
      // The link is not opened, so the code is the only proof.
      const alone = system.app();
      await alone.post('/login').send({ phone_number: BOB }).expect(201);
      await system.next(alone, 'voice');
      expect((await postCode(alone, await codeFrom('voice')).expect(403)).body.error).toBe('login_refused');
      expect(received).toEqual([['voice']]);
      expect(await isAuthenticated(alone)).toBe(false);
    });

    test('belongs to its own login: a new login does not include the SIM of the one before', async () => {
      const received: ProvenLogin['channels'][] = [];
      const { app } = await steppedUp();
      rule = ({ channels }) => (received.push(channels), undefined);
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      await system.next(app, 'sms');
      await postCode(app, await codeFrom('sms')).expect(200);
      expect(received).toEqual([['sms']]);
      expect((await app.get('/session')).body).not.toHaveProperty('channels');
    });

    test('closes the silent channel: its code is spent, before and after /login/next', async () => {
      const { app, code } = await steppedUp();
      rule = undefined;
      const calls = (await system.upstream()).length;
      await postCode(app, code).expect(400);
      expect(await system.upstream()).toHaveLength(calls);
      await system.next(app, 'sms');
      expect((await postCode(app, code)).status).toBeGreaterThanOrEqual(400);
      expect(await isAuthenticated(app)).toBe(false);
    });

    test('can be completed only by the session that began it', async () => {
      const { app } = await steppedUp();
      await system.next(app, 'sms');
      await postCode(system.app(), await codeFrom('sms')).expect(400);
      await postCode(app, await codeFrom('sms')).expect(200);
    });

    test('keeps the code_challenge of the login', async () => {
      const { app } = await steppedUp({ code_challenge: CHALLENGE.challenge }, CHALLENGE.verifier);
      await system.next(app, 'sms');
      const code = await codeFrom('sms');
      await postCode(app, code).expect(400);
      await app.post('/verify').send({ code, code_verifier: CHALLENGE.verifier }).expect(200);
    });

    test('stays open after the silent step has expired', async () => {
      const { app } = await steppedUp();
      system.world.turn(301);
      expect((await app.get('/login')).body).toMatchObject({
        status: 'expired',
        next_channels: ['sms', 'voice'],
      });
      await system.next(app, 'sms');
      await postCode(app, await codeFrom('sms')).expect(200);
    });

    test('is required again by a new login', async () => {
      const { app } = await steppedUp();
      const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
      const home = await walk(begun.body.auth_url);
      const again = await postCode(app, String(home.json?.['code'])).expect(403);
      expect(again.body.error).toBe('step_up_required');
    });

    test('is a refusal if no further channel remains after a typed code', async () => {
      rule = () => ({ stepUp: true });
      const { app } = await steppedUp();
      await system.next(app, 'sms');
      expect((await postCode(app, await codeFrom('sms')).expect(403)).body.error).toBe('login_refused');
      expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
      await next(app, 'voice').expect(409);
      expect(await isAuthenticated(app)).toBe(false);
    });

    test('does not undo a /login/next that happened meanwhile', async () => {
      rule = async (login) => {
        if (login.channel === 'silent_auth') await next(app, 'sms');
        return stepUp(login);
      };
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
      const home = await walk(begun.body.auth_url);
      await postCode(app, String(home.json?.['code'])).expect(403);
      expect(await isAuthenticated(app)).toBe(false);
      await system.next(app, 'sms');
      expect(await system.messages()).toHaveLength(1);
      await postCode(app, await codeFrom('sms')).expect(200);
      expect((await app.get('/session')).body.channels).toEqual(['silent_auth', 'sms']);
    });
  },
);

test.each([
  ['no channel is set', 'network-enablement', ALICE, { FALLBACK_CHANNELS: 'none' }],
  ['no channel is set', 'verify', ALICE, { FALLBACK_CHANNELS: 'none' }],
  ['the number takes no message', 'network-enablement', '+99012345678', {}],
  ['the number takes no message', 'verify', '+99012345678', {}],
])('a step-up is a refusal if %s (%s)', (_what, engine, phoneNumber, env) =>
  withSystem(
    { env: { ...WITH_CODES, SILENT_AUTH: engine, ...env }, hooks: { beforeSession: stepUp } },
    async (system) => {
      const { app, code } = await system.walkedLogin(phoneNumber);
      expect((await postCode(app, code).expect(403)).body.error).toBe('login_refused');
      expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
    },
  ),
);
