import type { BeforeSessionAnswer, Hooks, ProvenLogin } from '../src/login/hooks.js';
import { walk } from './support/device.js';
import { ALICE, BOB, startSystem, postCode, type System, WITH_CODES } from './support/system.js';
import { FAILING, UNREADABLE } from './support/hooks.js';

type App = ReturnType<System['app']>;
const begin = (app: App, phoneNumber = ALICE) =>
  app.post('/login').send({ phone_number: phoneNumber }).expect(201);
const next = (app: App, channel: string) => app.post('/login/next').send({ channel });
const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);

/** How a login gets a correct code. Only `verify` has a verification for its silent step, too. */
const PROOFS = [
  ...['network-enablement', 'oidc', 'camara', 'verify'].map((engine) => ({ engine, channel: 'silent_auth' })),
  { engine: 'network-enablement', channel: 'sms' },
  { engine: 'oidc', channel: 'voice' },
  { engine: 'camara', channel: 'sms' },
  { engine: 'verify', channel: 'sms' },
  { engine: 'verify', channel: 'voice' },
  { engine: 'off', channel: 'voice' },
].map((proof, at, { length }) => ({
  ...proof,
  failing: FAILING.filter((_rule, each) => each % length === at),
}));

describe.each(PROOFS)(
  'the hook beforeSession, after $channel with SILENT_AUTH=$engine',
  ({ engine, channel, failing }) => {
    let system: System;
    let hook: Hooks['beforeSession'];
    beforeAll(async () => {
      const hooks: Hooks = { beforeSession: (login) => hook?.(login) };
      system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine }, hooks });
    });
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    /** A login with a correct code that was not posted yet. */
    const proven = async () => {
      const app = system.app();
      const begun = await begin(app);
      if (channel !== 'silent_auth') {
        await system.next(app, channel);
        return { app, code: (await system.messages()).at(-1)?.code ?? '' };
      }
      const home = await walk(begun.body.auth_url);
      return { app, code: String(home.json?.['code']) };
    };
    /** The login is over: its code and its channels are refused. */
    const isOver = async (app: App, code: string) => {
      expect((await app.get('/login')).body).toMatchObject({ status: 'failed', next_channels: [] });
      const before = (await system.upstream()).length;
      hook = undefined;
      await postCode(app, code).expect(400);
      expect((await next(app, 'sms').expect(409)).body.error).toBe('no_more_channels');
      expect(await system.upstream()).toHaveLength(before);
      expect(await isAuthenticated(app)).toBe(false);
    };

    test.each<[string, Hooks['beforeSession']]>([
      ['no answer', () => undefined],
      ['{allow: true}', () => Promise.resolve({ allow: true })],
    ])('%s gives a session', async (_what, rule) => {
      const received: ProvenLogin[] = [];
      hook = (login) => (received.push(login), rule?.(login));
      const { app, code } = await proven();
      const verified = await postCode(app, code).expect(200);
      expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel });
      const { body } = await app.get('/login');
      const requestId = verified.headers['x-request-id'];
      const [login] = received;
      expect(received).toEqual([
        { loginId: body.login_id, phoneNumber: ALICE, channel, channels: [channel], requestId },
      ]);
      expect([login, login?.channels].every(Object.isFrozen)).toBe(true);
    });

    test('a wrong code does not call the hook', async () => {
      const { app } = await proven();
      hook = () => {
        throw new Error('asked');
      };
      await postCode(
        app,
        channel === 'silent_auth' && engine !== 'verify' ? 'x'.repeat(43) : 'aaaaaa',
      ).expect(400);
    });

    test('{refuse: true} gives no session, and the login is over', async () => {
      const { app, code } = await proven();
      hook = () => ({ refuse: true });
      expect((await postCode(app, code).expect(403)).body.error).toBe('login_refused');
      await isOver(app, code);
    });

    // Together, the proofs have all failures.
    test.each(failing)('%s gives no session, and the login is over', async (_what, rule) => {
      const { app, code } = await proven();
      hook = rule;
      expect((await postCode(app, code).expect(503)).body.error).toBe('unavailable');
      await isOver(app, code);
    });

    test('a hook that takes longer than two seconds gives no session, whatever it answers later', async () => {
      const { app, code } = await proven();
      let say: (answer: BeforeSessionAnswer) => void = () => undefined;
      const asked = new Promise<void>((heard) => {
        hook = () => new Promise((answer) => (heard(), (say = answer)));
      });
      const slow = postCode(app, code).then((answer) => answer);
      await asked;
      system.world.turn(2);
      expect((await slow).status).toBe(503);
      say({ allow: true });
      await isOver(app, code);
    });

    test.each([
      ['cancelled', (app: App) => app.delete('/login').expect(204)],
      ['replaced by another one', (app: App) => begin(app, BOB)],
      ['ended by a logout', (app: App) => app.post('/logout').expect(204)],
    ])('a login that was %s while the hook ran does not log in', async (_what, meanwhile) => {
      const { app, code } = await proven();
      hook = async () => {
        await meanwhile(app);
        return { allow: true };
      };
      expect((await postCode(app, code).expect(410)).body.error).toBe('login_expired');
      expect(await isAuthenticated(app)).toBe(false);
    });
  },
);

test('the outcome of a hook is logged, without the message of its error', async () => {
  const nothing = FAILING.find(([what]) => what === 'the answer {}')?.[1];
  const unreadable = UNREADABLE[0]?.[1];
  const answers: Hooks['beforeSession'][] = [
    ...[FAILING[0]?.[1], () => ({ refuse: true }) as const, nothing, unreadable],
  ];
  const system = await startSystem({ hooks: { beforeSession: (login) => answers.shift()?.(login) } });
  try {
    for (let left = answers.length; left > 0; left--) {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code);
    }
    const lines = system.world.logged().split('\n');
    const said = lines.filter((line) => line.includes('"hook"')).map((line) => JSON.parse(line) as object);
    const id = expect.stringMatching(/^[0-9a-f-]{32,36}$/);
    const line = { request_id: id, login_id: id, hook: 'beforeSession' };
    const failed = { level: 'error', ...line, message: 'a hook failed' };
    expect(said).toEqual([
      { ...failed, why: 'it threw', cause: 'Error', at: expect.stringContaining('hooks.ts') },
      { level: 'info', ...line, answer: 'refuse', message: 'a hook stepped in' },
      { ...failed, why: 'its answer is unknown' },
      {
        ...{ ...failed, why: 'its answer cannot be read', cause: 'Error' },
        at: expect.stringContaining('hooks.ts'),
      },
    ]);
    expect(lines.join('\n')).not.toContain(ALICE.slice(1));
  } finally {
    await system.stop();
  }
});

/* oxlint-disable typescript/require-await -- asynchronous hooks, whatever they wait for */
test('the types reject every invalid answer, of synchronous and asynchronous hooks', () => {
  const right: Hooks[] = [
    { beforeLogin: () => undefined, beforeSession: () => undefined },
    { beforeLogin: () => {}, beforeSession: async () => {} },
    { beforeLogin: () => ({ allow: true }), beforeSession: async () => ({ allow: true }) },
    { beforeLogin: async () => ({ refuse: true }), beforeSession: () => ({ refuse: true }) },
    { beforeSession: ({ channels }) => (channels.length > 1 ? { allow: true } : { stepUp: true }) },
    { beforeSession: async ({ channels }) => (channels.length > 1 ? undefined : { stepUp: true }) },
  ];
  const wrong: Hooks[] = [
    // @ts-expect-error -- misspelled
    { beforeSession: () => ({ alow: true }) },
    // @ts-expect-error -- misspelled
    { beforeSession: async () => ({ alow: true }) },
    // @ts-expect-error -- misspelled
    { beforeLogin: () => ({ alow: true }) },
    // @ts-expect-error -- misspelled
    { beforeLogin: async () => ({ alow: true }) },
    // @ts-expect-error -- not true
    { beforeLogin: async () => ({ allow: 'true' }) },
    // @ts-expect-error -- two answers
    { beforeSession: () => ({ allow: true, refuse: true }) },
    // @ts-expect-error -- an answer of the other hook
    { beforeLogin: async () => ({ stepUp: true }) },
    // @ts-expect-error -- not an object
    { beforeSession: () => true },
    // @ts-expect-error -- null is not an answer
    { beforeSession: async () => null },
    // @ts-expect-error -- an answer on one branch only
    { beforeSession: ({ channel }) => (channel === 'sms' ? { allow: true } : { step_up: true }) },
  ];
  expect([right.length, wrong.length]).toEqual([6, 10]);
});
/* oxlint-enable typescript/require-await */
