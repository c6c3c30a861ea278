import type { Hooks, ProvenLogin } from '../src/login/hooks.js';
import { NO_METER, type Meter } from '../src/core/world.js';
import { walk } from './support/device.js';
import {
  ALICE,
  BOB,
  startSystem,
  postCode,
  withSystem,
  type System,
  CHAINED,
  WITH_CODES,
} from './support/system.js';
import { until } from './support/until.js';
import { testWorld } from './support/world.js';

type App = ReturnType<System['app']>;
const begin = (app: App, phoneNumber = ALICE) =>
  app.post('/login').send({ phone_number: phoneNumber }).expect(201);
const tick = (system: System) => fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
const lastCode = async (system: System) => (await system.messages()).at(-1)?.code ?? '';
const wrongFor = (right: string) => (right === '000000' ? '111111' : '000000');

/** A digit in another script: the code point of its zero. */
const inDigits = (zero: number) => (code: string) =>
  code.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));

/** Variants of the code that are not six ASCII digits. */
const DISGUISES: [string, (code: string) => string][] = [
  ['a hyphen behind it', (code) => `${code}-`],
  ['a hyphen in it', (code) => `${code.slice(0, 3)}-${code.slice(3)}`],
  ['a dot before it', (code) => `.${code}`],
  ['a tilde behind it', (code) => `${code}~`],
  ['an underscore in it', (code) => `${code.slice(0, 3)}_${code.slice(3)}`],
  ['a space before it', (code) => ` ${code}`],
  ['a space behind it', (code) => `${code} `],
  ['a space in it', (code) => `${code.slice(0, 3)} ${code.slice(3)}`],
  ['a line end behind it', (code) => `${code}\n`],
  ['a plus before it', (code) => `+${code}`],
  ['full-width digits', inDigits(0xff10)],
  ['Arabic digits', inDigits(0x0660)],
  ['Devanagari digits', inDigits(0x0966)],
  ['a zero-width space in it', (code) => `${code.slice(0, 3)}\u200b${code.slice(3)}`],
];

/** Codes that are not typed codes, and may be codes of a device. */
const OF_A_DEVICE: [string, (code: string) => string][] = [
  ['letters', () => 'si9sfG'],
  ['a letter behind it', (code) => `${code}a`],
  ['a digit less', (code) => code.slice(1)],
  ['a digit more', (code) => `${code}0`],
  ['four digits', () => '1234'],
  ['ten digits', () => '1234567890'],
  ['43 characters', () => 'A'.repeat(43)],
];

// oidc and camara begin with a redirect, as network-enablement does.
describe.each(['network-enablement', 'verify', 'off'])(
  'while a message is under way with SILENT_AUTH=%s',
  (engine) => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine } })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    test('a code that was not typed does not use up a try once a message is under way', async () => {
      const app = system.app();
      await begin(app);
      await system.next(app, 'sms');
      const right = await lastCode(system);
      const calls = (await system.upstream()).length;
      for (const [, disguised] of [...DISGUISES, ...OF_A_DEVICE]) {
        const answer = await postCode(app, disguised(right)).expect(400);
        expect(answer.body.error).toBe('invalid_code');
      }
      // Vonage was not asked.
      expect(await system.upstream()).toHaveLength(calls);
      expect((await app.get('/login')).body).toMatchObject({ status: 'pending', channel: 'sms' });
      await postCode(app, wrongFor(right)).expect(400);
      await postCode(app, wrongFor(right)).expect(400);
      await postCode(app, right).expect(200);
    });
  },
);

describe('with a Verify workflow', () => {
  const received: ProvenLogin[] = [];
  const hooks: Hooks = {
    beforeSession: (login) => {
      received.push(login);
      return login.channels.includes('silent_auth') ? { stepUp: true } : { allow: true };
    },
  };
  const env = CHAINED;
  beforeEach(() => void received.splice(0));

  test('a typed code in another form is refused while the silent step may be over', () =>
    withSystem({ env, hooks }, async (system) => {
      // Vonage has moved on to the SMS, and its webhook is late.
      await system.control('webhooks', { paused: true });
      const { app } = await system.walkedLogin('+447700900103');
      const right = await lastCode(system);
      const calls = (await system.upstream()).length;
      for (const [what, disguised] of DISGUISES) {
        expect((await app.get('/login')).body.channel).toBe('silent_auth');
        const { status, body } = await postCode(app, disguised(right));
        expect([what, status, body.error]).toEqual([what, 400, 'invalid_code']);
      }
      expect(await system.upstream()).toHaveLength(calls);
      await postCode(app, right).expect(200);
      expect(received.map(({ channels }) => channels)).toEqual([['sms']]);
    }));

  test('a device code after the silent step ended here, and before it ends at Vonage, does not count as SMS', () => {
    const vonageWorld = testWorld();
    return withSystem({ env, hooks, vonageWorld }, async (system) => {
      const { app, code } = await system.walkedLogin();
      system.world.turn(60.2);
      vonageWorld.turn(59.8);
      expect((await app.get('/login')).body.channel).toBe('sms');
      const calls = (await system.upstream()).length;
      for (let each = 0; each < 4; each += 1) {
        expect((await postCode(app, code).expect(400)).body.error).toBe('invalid_code');
      }
      expect(await system.upstream()).toHaveLength(calls);
      expect(await system.messages()).toEqual([]);
      expect((await app.get('/session')).body.authenticated).toBe(false);
      // The SMS is sent when the silent step ends at Vonage as well, with all of its tries.
      vonageWorld.turn(1);
      await tick(system);
      const right = await lastCode(system);
      await postCode(app, wrongFor(right)).expect(400);
      await postCode(app, wrongFor(right)).expect(400);
      expect((await postCode(app, right).expect(200)).body.channel).toBe('sms');
      expect(received.map(({ channels }) => channels)).toEqual([['sms']]);
    });
  });

  test('no step ends here before it ends at Vonage, even if Vonage started late', () =>
    withSystem({ env, hooks }, async (system) => {
      const app = system.app();
      await system.control('faults', { 'verify-start': { delay_ms: 1000, times: 1 } });
      const slow = begin(app).then((answer) => answer);
      await until(async () => (await system.upstream()).length === 1);
      system.world.turn(5);
      const begun = await slow;
      system.world.turn(58);
      expect((await app.get('/login')).body.channel).toBe('silent_auth');
      const home = await walk(begun.body.auth_url);
      expect((await postCode(app, String(home.json?.['code'])).expect(403)).body.error).toBe(
        'step_up_required',
      );
      expect(await system.messages()).toEqual([]);
      expect(received.map(({ channels }) => channels)).toEqual([['silent_auth']]);
    }));

  test('a code from the SMS does not count as voice before the call', () =>
    withSystem({ env, hooks }, async (system) => {
      const app = system.app();
      await system.control('faults', { 'verify-start': { delay_ms: 1000, times: 1 } });
      const slow = begin(app).then((answer) => answer);
      await until(async () => (await system.upstream()).length === 1);
      system.world.turn(5);
      await slow;
      // The silent step lasts one minute, and the SMS five; two seconds are left.
      system.world.turn(358);
      await tick(system);
      expect((await postCode(app, await lastCode(system)).expect(200)).body.channel).toBe('sms');
      expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms']);
    }));

  test('a device code after /login/next is refused without a call to Vonage, each time', () =>
    withSystem({ env, hooks }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await system.next(app, 'sms');
      const calls = (await system.upstream()).length;
      for (let each = 0; each < 4; each += 1) await postCode(app, code).expect(400);
      expect(await system.upstream()).toHaveLength(calls);
      await postCode(app, await lastCode(system)).expect(200);
      expect(received.map(({ channel }) => channel)).toEqual(['sms']);
    }));

  test('a device code of any length counts as silent during the silent step', () =>
    withSystem({ env }, async (system) => {
      for (const code of ['12345', '1234567', 'si9sfG', 'A'.repeat(43)]) {
        const app = system.app();
        await begin(app);
        const body = JSON.stringify({ request_id: 'x', status: 'completed' });
        await system.control('faults', { 'verify-check': { status: 400, body, times: 1 } });
        await postCode(app, code).expect(400);
        // That was the only try of the silent step, so the login moved on.
        expect((await app.get('/login')).body).toMatchObject({ channel: 'sms', next_channels: ['voice'] });
        await system.reset();
      }
    }));

  describe('before the link is opened, when Vonage does not check codes', () => {
    const ended: string[] = [];
    const sent: string[] = [];
    const meter: Meter = {
      ...NO_METER,
      ended: (channel, outcome) => void ended.push(`${channel} ${outcome}`),
      sent: (channel) => void sent.push(channel),
    };
    beforeEach(() => {
      ended.splice(0);
      sent.splice(0);
    });

    test.each([
      ['a code of a device', 'sms,voice', 'si9sfG'],
      ['43 characters', 'sms,voice', 'A'.repeat(43)],
      ['five digits', 'sms,voice', '12345'],
      ['a typed code', 'sms,voice', '123456'],
      ['a code of a device, with no channel behind', '', 'si9sfG'],
      ['a typed code, with no channel behind', '', '123456'],
    ])('%s does not advance the workflow and does not use up a try', (_what, fallbacks, early) =>
      withSystem({ env: { ...env, FALLBACK_CHANNELS: fallbacks }, watchers: { meter } }, async (system) => {
        const app = system.app();
        const { body } = await begin(app);
        const before = (await app.get('/login')).body;
        for (let each = 0; each < 5; each += 1)
          expect((await postCode(app, early).expect(400)).body.error).toBe('invalid_code');
        expect((await app.get('/login')).body).toEqual(before);
        expect([ended, sent, await system.messages()]).toEqual([[], [], []]);
        const { json } = await walk(body.auth_url);
        expect((await postCode(app, String(json?.['code'])).expect(200)).body.channel).toBe('silent_auth');
        expect(ended).toEqual(['silent_auth completed']);
      }),
    );

    test.each([
      ['no-code', 'https://developer.vonage.com/api-errors/verify#no-code', 400],
      ['no type', undefined, 409],
      ['#conflict', 'https://developer.vonage.com/api-errors#conflict', 422],
    ])('an answer of Vonage with %s is recognised', (_what, type, status) =>
      withSystem({ env }, async (system) => {
        const { app, code } = await system.walkedLogin();
        const detail = 'The current Verify workflow step does not support a code.';
        const answer = JSON.stringify({ type, title: 'Conflict', detail });
        await system.control('faults', { 'verify-check': { status, body: answer, times: 1 } });
        await postCode(app, code).expect(400);
        expect((await app.get('/login')).body.channel).toBe('silent_auth');
        await postCode(app, code).expect(200);
      }),
    );

    const LATER = 'The operation cannot be performed at this time. Please try again later.';
    test.each([
      [429, 503, 'Please wait, then retry your request'],
      [409, 409, LATER],
    ])('an answer of %i that asks for patience uses up no try', (status, ours, detail) =>
      withSystem({ env }, async (system) => {
        const busy = { status, body: JSON.stringify({ title: 'x', detail }) };
        const { app, code } = await system.walkedLogin();
        await system.control('faults', { 'verify-check': { ...busy, times: 1 } });
        await postCode(app, code).expect(ours);
        expect((await app.get('/login')).body).toMatchObject({ channel: 'silent_auth', status: 'pending' });
        await system.next(app, 'sms');
        await system.control('faults', { 'verify-check': { ...busy, times: 3 } });
        const typed = await lastCode(system);
        for (let each = 0; each < 3; each += 1) await postCode(app, typed).expect(ours);
        expect((await app.get('/login')).body.tries_left).toBe(3);
        await postCode(app, typed).expect(200);

        const another = await system.walkedLogin(BOB);
        await system.control('faults', { 'verify-check': { ...busy, times: 1 } });
        await postCode(another.app, another.code).expect(ours);
        await postCode(another.app, another.code).expect(200);
      }),
    );

    test('the number of calls to Vonage is bounded', () =>
      withSystem({ env }, async (system) => {
        const app = system.app();
        await begin(app);
        const calls = (await system.upstream()).length;
        for (let each = 0; each < 30; each += 1) await postCode(app, 'si9sfG');
        await Promise.all(Array.from({ length: 30 }, () => postCode(app, 'si9sfG')));
        expect((await system.upstream()).length - calls).toBeLessThanOrEqual(11);
        expect((await app.get('/login')).body.channel).toBe('silent_auth');
      }));

    test('a typed code still has three tries', () =>
      withSystem({ env }, async (system) => {
        const app = system.app();
        await begin(app);
        for (let each = 0; each < 3; each += 1) await postCode(app, '123456').expect(400);
        await system.next(app, 'sms');
        const wrong = wrongFor(await lastCode(system));
        await postCode(app, wrong).expect(400);
        await postCode(app, wrong).expect(400);
        await postCode(app, wrong).expect(429);
      }));
  });
});
